import type {
  CertificateObservation,
  CertificateSeen,
  Drift,
  GrantFailure,
  GrantObservation,
  GrantProgress,
  HostObservation,
  PreviousRelease,
  RunningRelease,
  UnitKey,
  UnitObservation,
} from "@sluice/core";
import { driftKinds } from "@sluice/core/host/drift";
import { type BootChange, bootChangeKinds } from "@sluice/core/host/forecast-boot";
import { Problem } from "@sluice/core/problems/problem";
import { type BootSeen, rebootStates } from "@sluice/core/reboots/reboot-order";
import { durationMs, instant } from "@sluice/core/units/time";
import { unreachable } from "@sluice/core/units/unreachable";
import type * as wire from "./generated/sluice/types/v1/host.ts";

const failures = [
  "install",
  "start",
  "ready",
  "probes-before",
  "switch",
  "probes-after",
  "crashed",
  "interrupted",
] as const satisfies readonly GrantFailure[];

/** A host's word as it goes over the wire. */
export function toWireObservation(from: HostObservation): wire.HostObservation {
  return {
    host: from.host,
    atMs: from.at,
    agentVersion: from.agent.version,
    agentStartedAtMs: from.agent.startedAt,
    maxFence: from.maxFence,
    generation: from.generation,
    intentDigest: from.intentDigest,
    units: from.units.map(toWireUnit),
    grants: from.grants.map(toWireGrant),
    remarks: [...from.remarks],
    atBoot: from.atBoot === undefined ? undefined : { changes: from.atBoot.map((one) => ({ ...one })) },
    drain: from.drain,
    rebootClientId: from.rebootClientId,
    boot: from.boot === undefined ? undefined : { ...from.boot, order: from.boot.order },
    drifts: (from.drifts ?? []).map(({ since, overSince, ...drift }) => ({
      ...drift,
      sinceMs: since,
      overSinceMs: overSince,
    })),
  };
}

/** Reads a host's word; throws `message-invalid` when a word or unit is not one of the contract's. */
export function fromWireObservation(from: wire.HostObservation): HostObservation {
  return {
    host: from.host,
    at: instant(from.atMs),
    agent: { version: from.agentVersion, startedAt: instant(from.agentStartedAtMs) },
    maxFence: from.maxFence,
    generation: from.generation,
    intentDigest: from.intentDigest,
    units: from.units.map(fromWireUnit),
    grants: from.grants.map(fromWireGrant),
    remarks: from.remarks,
    ...(from.atBoot === undefined ? {} : { atBoot: from.atBoot.changes.map(fromWireBootChange) }),
    ...(from.drain === undefined ? {} : { drain: from.drain }),
    ...(from.rebootClientId === undefined ? {} : { rebootClientId: from.rebootClientId }),
    ...(from.boot === undefined ? {} : { boot: fromWireBoot(from.boot) }),
    ...(from.drifts.length === 0 ? {} : { drifts: from.drifts.map(fromWireDrift) }),
  };
}

function fromWireBoot({ id, canReboot, order }: wire.BootSeen): BootSeen {
  if (order === undefined) return { id, canReboot };
  const state = rebootStates.find((word) => word === order.state);
  if (state === undefined) throw unknownWord("state of a reboot", order.state);
  return { id, canReboot, order: { id: order.id, state, sentence: order.sentence } };
}

function fromWireDrift({ kind, about, where, expected, found, sinceMs, overSinceMs }: wire.Drift): Drift {
  const known = driftKinds.find((word) => word === kind);
  if (known === undefined) throw unknownWord("kind of drift", kind);
  return {
    ...{ kind: known, about: about === "host" ? about : asUnit(about), where, expected, found },
    since: instant(sinceMs),
    ...(overSinceMs === undefined ? {} : { overSince: instant(overSinceMs) }),
  };
}

function fromWireBootChange({ about, kind, sentence }: wire.BootChange): BootChange {
  const known = bootChangeKinds.find((word) => word === kind);
  if (known === undefined) throw unknownWord("kind of change at a boot", kind);
  return { about, kind: known, sentence };
}

function toWireUnit(from: UnitObservation): wire.UnitObservation {
  return {
    unit: from.unit,
    desired: from.desired,
    installed: [...from.installed],
    running:
      from.running === undefined
        ? undefined
        : { ...from.running, startedAtMs: from.running.startedAt, slot: from.running.slot },
    proven: from.proven,
    pendingSinceMs: from.pendingSince,
    reasons: [...from.reasons],
    previous: from.previous === undefined ? undefined : { ...from.previous, untilMs: from.previous.until },
    certificates: (from.certificates ?? []).map(toWireCertificate),
  };
}

function fromWireUnit(from: wire.UnitObservation): UnitObservation {
  return {
    unit: asUnit(from.unit),
    installed: from.installed,
    reasons: from.reasons,
    ...(from.desired === undefined ? {} : { desired: from.desired }),
    ...(from.running === undefined ? {} : { running: fromWireRunning(from.running) }),
    ...(from.proven === undefined ? {} : { proven: from.proven }),
    ...(from.pendingSinceMs === undefined ? {} : { pendingSince: instant(from.pendingSinceMs) }),
    ...(from.previous === undefined ? {} : { previous: fromWirePrevious(from.previous) }),
    ...(from.certificates.length === 0 ? {} : { certificates: from.certificates.map(fromWireCertificate) }),
  };
}

function toWireCertificate(from: CertificateObservation): wire.CertificateObservation {
  const { name, running, onDisk, problem, since } = from;
  const seen = ({ digest, validUntil }: CertificateSeen) => ({ digest, validUntilMs: validUntil });
  return {
    ...{ name, problem, sinceMs: since, running: seen(running) },
    onDisk: onDisk === undefined ? undefined : seen(onDisk),
  };
}

function fromWireCertificate(from: wire.CertificateObservation): CertificateObservation {
  const { name, running, onDisk, problem, sinceMs } = from;
  if (running === undefined) throw unknownWord("certificate that a proxy presents", "nothing");
  const seen = ({ digest, validUntilMs }: wire.CertificateSeen): CertificateSeen => ({
    digest,
    validUntil: instant(validUntilMs),
  });
  return {
    ...{ name, running: seen(running) },
    ...(onDisk === undefined ? {} : { onDisk: seen(onDisk) }),
    ...(problem === undefined ? {} : { problem }),
    ...(sinceMs === undefined ? {} : { since: instant(sinceMs) }),
  };
}

const fromWirePrevious = ({ digest, version, untilMs }: wire.PreviousRelease): PreviousRelease => ({
  digest,
  version,
  until: instant(untilMs),
});

function fromWireRunning(from: wire.RunningRelease): RunningRelease {
  const { digest, version, build, pid, slot } = from;
  if (slot !== undefined && slot !== "blue" && slot !== "green") throw unknownWord("slot", slot);
  return { digest, version, build, pid, startedAt: instant(from.startedAtMs), ...(slot === undefined ? {} : { slot }) };
}

function toWireGrant(from: GrantObservation): wire.GrantObservation {
  return { grant: from.grant, sinceMs: from.since, progress: toWireProgress(from.progress) };
}

function toWireProgress(from: GrantProgress): wire.GrantObservation["progress"] {
  switch (from.kind) {
    case "preparing":
      return { $case: "preparing", value: { doing: from.doing } };
    case "provisional":
      return { $case: "provisional", value: { switchedAtMs: from.switchedAt, switchMs: from.switchMs } };
    case "failed":
      return {
        $case: "failed",
        value: { touchedTraffic: from.touchedTraffic, reason: from.reason, failure: from.failure },
      };
    case "unconfirmed":
      return { $case: "unconfirmed", value: {} };
    case "withdrawn":
      return { $case: "withdrawn", value: {} };
    default:
      return unreachable(from);
  }
}

function fromWireGrant(from: wire.GrantObservation): GrantObservation {
  return { grant: from.grant, since: instant(from.sinceMs), progress: fromWireProgress(from.progress) };
}

function fromWireProgress(from: wire.GrantObservation["progress"]): GrantProgress {
  switch (from?.$case) {
    case "preparing":
      return { kind: "preparing", doing: from.value.doing };
    case "provisional":
      return {
        kind: "provisional",
        switchedAt: instant(from.value.switchedAtMs),
        switchMs: durationMs(from.value.switchMs),
      };
    case "failed":
      return {
        kind: "failed",
        touchedTraffic: from.value.touchedTraffic,
        reason: from.value.reason,
        failure: asFailure(from.value.failure),
      };
    case "unconfirmed":
      return { kind: "unconfirmed" };
    case "withdrawn":
      return { kind: "withdrawn" };
    case undefined:
      throw unknownWord("grant progress", "nothing");
    default:
      return unreachable(from);
  }
}

/** Unit keys on the wire are text; only the forms of the glossary get in. */
export function asUnit(text: string): UnitKey {
  if (/^(front|agent|keeper|(site|proxy):[a-z0-9][a-z0-9-]*)$/.test(text)) return text as UnitKey;
  throw unknownWord("unit", text);
}

function asFailure(text: string): GrantFailure {
  const known = failures.find((word) => word === text);
  if (known === undefined) throw unknownWord("grant failure", text);
  return known;
}

function unknownWord(what: string, found: string): Problem {
  return new Problem("message-invalid", `cannot read message: '${found}' is no ${what} this version knows`, {
    hint: "bring agent and coordinator to the same version",
  });
}
