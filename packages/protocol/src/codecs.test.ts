import { createHash } from "node:crypto";
import {
  canonicalJson,
  defaultProxyLimits,
  driftKinds,
  type HostObservation,
  type Intent,
  instant,
  type ProbeResult,
  Problem,
} from "@sluice/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { IntentOrder } from "./generated/sluice/agent/v1/agent.ts";
import {
  HostObservation as WireObservation,
  ProbeResult as WireProbeResult,
} from "./generated/sluice/types/v1/host.ts";
import { decodeIntent, encodeIntent } from "./intent-codec.ts";
import { fromWireObservation, toWireObservation } from "./observation-codec.ts";
import { fromWireProbeResult, toWireProbeResult } from "./probe-result-codec.ts";
import { fromServiceError, toServiceError } from "./service-error.ts";

const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

const at = fc.integer({ min: 1, max: 4_000_000_000_000 }).map(instant);
const unit = fc.constantFrom("front" as const, "site:shop" as const, "proxy:blog" as const);

const progress = fc.oneof(
  fc.record({ kind: fc.constant("preparing" as const), doing: fc.string() }),
  fc.record({
    kind: fc.constant("provisional" as const),
    switchedAt: at,
    switchMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant("failed" as const),
    touchedTraffic: fc.boolean(),
    reason: fc.string(),
    failure: fc.constantFrom("ready" as const, "probes-before" as const, "interrupted" as const),
  }),
  fc.record({ kind: fc.constant("unconfirmed" as const) }),
  fc.record({ kind: fc.constant("withdrawn" as const) }),
);

const running = fc.record(
  {
    digest: fc.string(),
    version: fc.string(),
    build: fc.string(),
    pid: fc.nat(),
    startedAt: at,
    slot: fc.constantFrom("blue" as const, "green" as const),
  },
  { requiredKeys: ["digest", "version", "build", "pid", "startedAt"] },
);

const atBoot = fc.array(
  fc.record({
    about: fc.string(),
    kind: fc.constantFrom("changes" as const, "not-ours" as const),
    sentence: fc.string(),
  }),
);

const presentable = fc.record({ digest: fc.string(), validUntil: at });
const certificate = fc.record(
  { name: fc.string(), running: presentable, onDisk: presentable, problem: fc.string(), since: at },
  { requiredKeys: ["name", "running"] },
);

const observed = {
  host: fc.string(),
  at,
  agent: fc.record({ version: fc.string(), startedAt: at }),
  maxFence: fc.nat(),
  generation: fc.nat(),
  intentDigest: fc.string(),
  units: fc.array(
    fc.record(
      {
        unit,
        desired: fc.string(),
        installed: fc.array(fc.string()),
        running,
        proven: fc.string(),
        pendingSince: at,
        reasons: fc.array(fc.string()),
        previous: fc.record({ digest: fc.string(), version: fc.string(), until: at }),
        certificates: fc.array(certificate, { minLength: 1 }),
      },
      { requiredKeys: ["unit", "installed", "reasons"] },
    ),
  ),
  grants: fc.array(fc.record({ grant: fc.string(), since: at, progress })),
  remarks: fc.array(fc.string()),
};

const drifts = fc.array(
  fc.record(
    {
      kind: fc.constantFrom(...driftKinds),
      about: fc.oneof(unit, fc.constant("host" as const)),
      ...{ where: fc.string(), expected: fc.string(), found: fc.string(), since: at, overSince: at },
    },
    { requiredKeys: ["kind", "about", "where", "expected", "found", "since"] },
  ),
  { minLength: 1 },
);

const observation: fc.Arbitrary<HostObservation> = fc.oneof(
  fc.record(observed),
  fc.record({ ...observed, atBoot }),
  fc.record({ ...observed, drifts }),
);

test("an observation comes out of the wire as it went in", () => {
  fc.assert(
    fc.property(observation, (sent) => {
      const bytes = WireObservation.encode(toWireObservation(sent)).finish();
      expect(canonicalJson(fromWireObservation(WireObservation.decode(bytes)))).toBe(canonicalJson(sent));
    }),
  );
});

const probeResult: fc.Arbitrary<ProbeResult> = fc.record(
  {
    host: fc.string(),
    site: fc.string(),
    binding: fc.string(),
    hop: fc.constantFrom("slot" as const, "proxy" as const, "front" as const, "edge" as const),
    probe: fc.string(),
    at,
    tookMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    outcome: fc.oneof(
      fc.record({ kind: fc.constant("good" as const), status: fc.integer({ min: 100, max: 599 }) }),
      fc.record(
        { kind: fc.constant("bad" as const), reason: fc.string(), status: fc.integer({ min: 100, max: 599 }) },
        { requiredKeys: ["kind", "reason"] },
      ),
      fc.record({ kind: fc.constant("unknown" as const), reason: fc.string() }),
    ),
    release: fc.string(),
  },
  { requiredKeys: ["host", "site", "binding", "hop", "probe", "at", "tookMs", "outcome"] },
);

test("a probe result comes out of the wire as it went in", () => {
  fc.assert(
    fc.property(probeResult, (sent) => {
      const bytes = WireProbeResult.encode(toWireProbeResult(sent)).finish();
      expect(canonicalJson(fromWireProbeResult(WireProbeResult.decode(bytes)))).toBe(canonicalJson(sent));
    }),
  );
});

test("words outside the contract are refused by name", () => {
  const wire = toWireProbeResult({
    host: "web-1",
    site: "shop",
    binding: "shop.internal",
    hop: "slot",
    probe: "GET /",
    at: instant(1),
    tookMs: 1,
    outcome: { kind: "good", status: 200 },
  });
  expect(() => fromWireProbeResult({ ...wire, hop: "cellar" })).toThrow("'cellar' is no hop this version knows");
});

const body: Intent["body"] = {
  environment: "production",
  unconfirmed: "revert",
  sites: [],
  units: [
    {
      unit: "proxy:shop",
      hold: [
        {
          unit: "proxy:shop",
          version: "settings 3f9a12bc",
          digest: "sha256:aa",
          content: {
            site: "shop",
            engine: "node",
            listeners: [],
            behindFront: true,
            bindings: [{ name: "shop.internal", kind: "internal", bindingPort: 80 }],
            forward: { host: "internal", internalName: "shop.internal" },
            limits: defaultProxyLimits,
          },
        },
      ],
    },
  ],
  grants: [],
};
const intent: Intent = { host: "web-1", generation: 7, fence: 3, digest: sha256(canonicalJson(body)), body };

test("an intent comes out of the wire as it went in", () => {
  const bytes = IntentOrder.encode(encodeIntent(intent)).finish();
  expect(decodeIntent(IntentOrder.decode(bytes), sha256)).toEqual(intent);
});

test("an intent whose bytes were changed on the way is refused whole", () => {
  const order = encodeIntent(intent);
  const changed = { ...order, document: Buffer.from(order.document.toString().replace("revert", "keep!!")) };
  expect(() => decodeIntent(changed, sha256)).toThrow("cannot read intent 7: its bytes have digest");
});

test("an intent with a key this version does not know is refused whole", () => {
  const text = canonicalJson({ ...body, surprise: true });
  const order = { ...encodeIntent(intent), document: Buffer.from(text), digest: sha256(text) };
  expect(() => decodeIntent(order, sha256)).toThrow(/cannot read intent 7: .*surprise/);
});

test("a problem keeps reason, sentence and hint across gRPC", () => {
  const sent = new Problem("release-conflict", "release 'shop 2.4.0' exists with another digest: sha256:ü", {
    hint: "push it as another version",
  });
  const wire = toServiceError(sent);
  const received = fromServiceError(Object.assign(new Error(wire.message), wire));
  expect(received).toMatchObject({ reason: sent.reason, message: sent.message, hint: sent.hint });
});

test("an unforeseen error does not leak its text to the caller", () => {
  expect(toServiceError(new TypeError("secret")).details).not.toContain("secret");
});
