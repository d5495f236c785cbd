import { durationMs, instant, type ProbeStratum, type TrafficStratum, type VerdictRow } from "@sluice/core";

/** A row of the table of evidence that is fine; say only what is unusual. */
export function evidenceRow(unusual: Partial<VerdictRow> = {}): VerdictRow {
  return {
    host: "web-1",
    stratum: trafficAt(),
    required: false,
    state: "fine",
    since: instant(1000),
    observedMs: durationMs(60_000),
    now: { requests: 512, bad: 0 },
    before: { requests: 3912, bad: 0 },
    others: { requests: 12_004, bad: 0, hosts: 3 },
    references: "both",
    evidence: 0.4,
    bar: 10_000,
    ruledOut: 0.01,
    ...unusual,
  };
}

export const trafficAt = (unusual: Partial<TrafficStratum> = {}): TrafficStratum => ({
  site: "shop",
  binding: "www.shop.example",
  bindingPort: 443,
  hop: "front",
  source: "traffic",
  indicator: "failed",
  ...unusual,
});

export const probeAt = (unusual: Partial<ProbeStratum> = {}): ProbeStratum => ({
  site: "shop",
  binding: "www.shop.example",
  bindingPort: 443,
  hop: "edge",
  source: "probe",
  probe: "GET /",
  indicator: "unexpected",
  ...unusual,
});
