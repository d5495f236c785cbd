import type { Hop, ProbeOutcome, ProbeResult } from "@sluice/core";
import { Problem } from "@sluice/core/problems/problem";
import { instant } from "@sluice/core/units/time";
import { unreachable } from "@sluice/core/units/unreachable";
import type * as wire from "./generated/sluice/types/v1/host.ts";

const hops = ["slot", "proxy", "front", "edge"] as const satisfies readonly Hop[];

/** One probe result as it goes over the wire. */
export function toWireProbeResult(from: ProbeResult): wire.ProbeResult {
  const { host, site, binding, bindingPort = 0, hop, probe, tookMs, release, round } = from;
  const outcome = toWireOutcome(from.outcome);
  return { host, site, binding, bindingPort, hop, probe, atMs: from.at, roundMs: round, tookMs, release, outcome };
}

/** Reads one probe result; throws `message-invalid` on words outside the contract. */
export function fromWireProbeResult(from: wire.ProbeResult): ProbeResult {
  const { host, site, binding, bindingPort, probe, tookMs, release, roundMs } = from;
  return {
    host,
    site,
    binding,
    hop: asHop(from.hop),
    probe,
    at: instant(from.atMs),
    tookMs,
    outcome: fromWireOutcome(from.outcome),
    ...(bindingPort === 0 ? {} : { bindingPort }),
    ...(roundMs === undefined ? {} : { round: instant(roundMs) }),
    ...(release === undefined ? {} : { release }),
  };
}

/** An outcome as it goes over the wire. */
export function toWireOutcome(from: ProbeOutcome): wire.ProbeResult["outcome"] {
  switch (from.kind) {
    case "good":
      return { $case: "good", value: { status: from.status } };
    case "bad":
      return { $case: "bad", value: { status: from.status, reason: from.reason } };
    case "unknown":
      return { $case: "unknown", value: { reason: from.reason } };
    default:
      return unreachable(from);
  }
}

function fromWireOutcome(from: wire.ProbeResult["outcome"]): ProbeOutcome {
  switch (from?.$case) {
    case "good":
      return { kind: "good", status: from.value.status };
    case "bad":
      return {
        kind: "bad",
        reason: from.value.reason,
        ...(from.value.status === undefined ? {} : { status: from.value.status }),
      };
    case "unknown":
      return { kind: "unknown", reason: from.value.reason };
    case undefined:
      return { kind: "unknown", reason: "the message carried no outcome" };
    default:
      return unreachable(from);
  }
}

function asHop(text: string): Hop {
  const known = hops.find((hop) => hop === text);
  if (known === undefined)
    throw new Problem("message-invalid", `cannot read probe result: '${text}' is no hop this version knows`);
  return known;
}
