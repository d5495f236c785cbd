import type {
  BootSeen,
  DrainObservation,
  GrantObservation,
  HostObservation,
  Instant,
  Intent,
  ObservedHost,
  OwnProgramSeen,
  RunningRelease,
  UnitKey,
  UnitObservation,
} from "@sluice/core";
import { liveSlot } from "@sluice/core/activation/activation-parts";
import { grantProgress } from "@sluice/core/activation/describe-activation";
import { proxiesOf, slotSeen } from "@sluice/core/activation/observed-host";
import type { Drift } from "@sluice/core/host/drift";
import type { BootFacts } from "@sluice/core/host/forecast-boot";
import { agentUnit, isProgramUnit, keeperUnit, parseUnit } from "@sluice/core/intent/intent";
import { programChangeProgress } from "@sluice/core/programs/program-change";
import { instant } from "@sluice/core/units/time";
import type { WatchedCertificate } from "../certificates/start-renewal-watch.ts";
import { knownReleases } from "../ledger/known-releases.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { changesOf, unsettledChanges } from "../reconcile/live-units.ts";
import { isBegun, whyNotYet } from "../reconcile/settle-ledger.ts";
import { bootChanges } from "./boot-changes.ts";
import { observeCertificates } from "./observe-certificates.ts";

export interface ObservationInput {
  readonly host: string;
  readonly now: Instant;
  readonly agent: HostObservation["agent"];
  readonly ledger: Ledger;
  readonly intent: Intent | undefined;
  /** What the processes said last. */
  readonly seen: ObservedHost;
  /** Why a grant does not advance, by grant id. */
  readonly waiting: ReadonlyMap<string, readonly string[]>;
  readonly remarks: readonly string[];
  /** What somebody changed by hand; absent: nobody looks for it. */
  readonly drifts?: readonly Drift[];
  /** What the files on disk would start; absent while nobody has looked. */
  readonly boot?: BootFacts;
  readonly rebootClientId?: string | undefined;
  /** What lies in the files of certificates; absent: nobody looks at them. */
  readonly found?: readonly WatchedCertificate[];
  /** How the host was started, and what became of the newest order to reboot. */
  readonly bootSeen?: BootSeen | undefined;
}

/** What the agent says about its host: desired, installed, running and proven of every unit are four separate facts. */
export function buildObservation(input: ObservationInput): HostObservation {
  const { host, now, agent, ledger, boot } = input;
  const units = unitsOf(input);
  return {
    host,
    at: now,
    agent,
    maxFence: ledger.memory.maxFence,
    generation: ledger.memory.generation,
    intentDigest: ledger.memory.digest,
    units: units.map((unit) => observeUnit(input, unit)),
    grants: grantsOf(input),
    remarks: remarksOf(input),
    ...(input.drifts === undefined || input.drifts.length === 0 ? {} : { drifts: input.drifts }),
    ...(boot === undefined ? {} : { atBoot: bootChanges(input, units, boot) }),
    ...(input.intent?.body.draining === true ? { drain: drainOf(input.seen) } : {}),
    ...(input.rebootClientId === undefined ? {} : { rebootClientId: input.rebootClientId }),
    ...(input.bootSeen === undefined ? {} : { boot: input.bootSeen }),
  };
}

/** A proxy that does not answer may still lead users here, so that its host has not obeyed. */
function drainOf({ proxies, silent = [] }: ObservedHost): DrainObservation {
  const sites = proxies.filter(({ unit }) => parseUnit(unit).kind === "proxy");
  const accepting = sites.filter(({ accepting, draining }) => accepting && !draining);
  const leading = accepting.filter(({ slots }) => slots.live !== "hold");
  return {
    obeyed: silent.length === 0 && leading.every(({ slots }) => slots.draining === true),
    open: sites.reduce((sum, { open }) => sum + open.blue + open.green, 0),
  };
}

function unitsOf({ intent, ledger, seen }: ObservationInput): readonly UnitKey[] {
  const units = new Set<UnitKey>([
    ...(intent?.body.units ?? []).map(({ unit }) => unit),
    ...(Object.keys(ledger.proven) as UnitKey[]),
    ...seen.slots.map(({ site }): UnitKey => `site:${site}`),
    ...seen.proxies.map(({ unit }) => unit),
    ...(seen.agent === undefined ? [] : [agentUnit]),
    ...(seen.keeper === undefined ? [] : [keeperUnit]),
  ]);
  return [...units].sort();
}

function observeUnit(input: ObservationInput, unit: UnitKey): UnitObservation {
  const { intent, ledger, seen } = input;
  const word = intent?.body.units.find((one) => one.unit === unit);
  const running = runningRelease(input, unit);
  const releases = knownReleases(ledger, intent);
  const proven = ledger.proven[unit]?.digest;
  const pendingSince = ledger.pendingSince[unit];
  const certificates = observeCertificates(seen, unit, input.found ?? []);
  return {
    unit,
    ...(word?.desired === undefined ? {} : { desired: word.desired }),
    installed: seen.installed.filter((digest) => releases[digest]?.unit === unit),
    ...(running === undefined ? {} : { running }),
    ...(proven === undefined ? {} : { proven }),
    ...(pendingSince === undefined ? {} : { pendingSince }),
    reasons: reasonsOf(input, unit, running),
    ...previousOf(input, unit),
    ...(certificates.length === 0 ? {} : { certificates }),
  };
}

function previousOf({ ledger }: ObservationInput, unit: UnitKey): Pick<UnitObservation, "previous"> {
  const parsed = parseUnit(unit);
  const kept = parsed.kind === "site" ? ledger.previous[parsed.site] : undefined;
  if (kept === undefined) return {};
  const { digest, version } = kept.release;
  return { previous: { digest, version, until: kept.until } };
}

/** What the processes themselves report; a site release by the slot that its proxy calls live. */
function runningRelease(input: ObservationInput, unit: UnitKey): RunningRelease | undefined {
  const { seen, ledger, intent } = input;
  if (isProgramUnit(unit)) return runningProgram(seen[unit]);
  const parsed = parseUnit(unit);
  if (parsed.kind === "site") {
    const slot = liveSlot(seen, parsed.site);
    const copy = slot === undefined ? undefined : slotSeen(seen, parsed.site, slot);
    if (copy === undefined || !copy.alive) return undefined;
    const { digest, version, pid, startedAtMs } = copy;
    return { digest, version, build: version, pid, startedAt: instant(startedAtMs), slot: copy.slot };
  }
  const proxy = proxiesOf(seen, unit).findLast(({ accepting, draining }) => accepting && !draining);
  if (proxy === undefined) return undefined;
  const { digest, build, pid, startedAtMs } = proxy;
  const version = knownReleases(ledger, intent)[digest]?.version ?? digest;
  return { digest, version, build, pid, startedAt: instant(startedAtMs) };
}

function runningProgram(program: OwnProgramSeen | undefined): RunningRelease | undefined {
  if (program === undefined) return undefined;
  const { digest, version, pid, startedAtMs } = program;
  return { digest, version, build: version, pid, startedAt: instant(startedAtMs) };
}

function reasonsOf(input: ObservationInput, unit: UnitKey, running: RunningRelease | undefined): readonly string[] {
  const { ledger, intent, waiting } = input;
  const word = intent?.body.units.find((one) => one.unit === unit);
  const drift = ledger.drifts[unit]?.sentence;
  const activation = Object.values(ledger.activations).find(
    ({ phase, parts }) => phase !== "ended" && phase !== "done" && parts.some((part) => part.unit === unit),
  );
  const under = activation ?? (isProgramUnit(unit) ? unsettledChanges(ledger, unit)[0] : undefined);
  const doing = under === undefined ? [] : [under.phase, ...(waiting.get(under.grant.id) ?? [])];
  const reasons = [
    ...(drift === undefined ? [] : [drift]),
    ...(doing.length === 0 ? [] : [doing.join(": ")]),
    ...provenReasons(input, unit, running, under !== undefined),
    ...crashReasons(input, unit),
  ];
  const waits = word?.desired !== undefined && word.desired !== running?.digest && reasons.length === 0;
  return waits ? ["waiting for a grant"] : reasons;
}

function provenReasons(
  { ledger, intent }: ObservationInput,
  unit: UnitKey,
  running: RunningRelease | undefined,
  activating: boolean,
): readonly string[] {
  if (activating) return [];
  const own = ledger.proven[unit];
  const told = intent?.body.units.find((one) => one.unit === unit)?.proven;
  const reasons: string[] = [];
  if (own !== undefined && told !== undefined && own.digest !== told.digest) {
    reasons.push(
      `the coordinator calls ${told.version} proven, this host ${own.version}; it takes a grant to change that`,
    );
  }
  if (own !== undefined && running === undefined) reasons.push(`${own.version} is being brought up`);
  if (
    own !== undefined &&
    running !== undefined &&
    running.digest !== own.digest &&
    ledger.drifts[unit] === undefined
  ) {
    reasons.push(`${running.version} runs, ${own.version} is proven`);
  }
  return reasons;
}

function crashReasons({ seen }: ObservationInput, unit: UnitKey): readonly string[] {
  const parsed = parseUnit(unit);
  if (parsed.kind !== "site") return [];
  return seen.slots
    .filter(({ site, restarts, alive }) => site === parsed.site && (restarts > 0 || !alive))
    .map(({ slot, version, restarts, alive }) =>
      alive
        ? `${version} in ${slot} crashed and was started again, ${restarts} times so far`
        : `${version} in ${slot} is down; the keeper starts it again`,
    );
}

/** Every grant of the intent, and those of which the outcome is still told. */
function grantsOf({ ledger, intent, seen, waiting, now }: ObservationInput): readonly GrantObservation[] {
  const begun = Object.values(ledger.activations).flatMap((state) => {
    const progress = grantProgress(state, waiting.get(state.grant.id));
    return progress === undefined ? [] : [{ grant: state.grant.id, since: state.since, progress }];
  });
  const changes = Object.values(changesOf(ledger)).flatMap((change) => {
    const progress = programChangeProgress(change, waiting.get(change.grant.id));
    return progress === undefined ? [] : [{ grant: change.grant.id, since: change.since, progress }];
  });
  const notBegun = (intent?.body.grants ?? []).filter((grant) => !isBegun(ledger, grant));
  const waitingOnes = notBegun.map((grant): GrantObservation => {
    if (ledger.revoked[grant.id] !== undefined) return { grant: grant.id, since: now, progress: { kind: "withdrawn" } };
    const doing = whyNotYet(ledger, grant, seen) ?? "about to begin";
    return { grant: grant.id, since: now, progress: { kind: "preparing", doing } };
  });
  return [...begun, ...changes, ...waitingOnes];
}

function remarksOf({ remarks, seen, ledger }: ObservationInput): readonly string[] {
  const proxies = seen.proxies.flatMap((proxy) => proxy.remarks.map((remark) => `${proxy.unit}: ${remark}`));
  return [...remarks, ...proxies, ...ledger.localActs.map(({ sentence }) => sentence)];
}
