import type { PlanInput } from "../rollout/plan-input.ts";
import type { RolloutState, WaitingOn } from "../rollout/rollout.ts";
import { waveTakesMs } from "../rollout/timings.ts";
import { type InPhase, stageAt, takingPart } from "../rollout/wave.ts";
import { after, between, formatDuration, type Instant } from "../units/time.ts";
import { missingApprovals } from "./approvals.ts";
import { findUncovered } from "./coverage.ts";
import { concerns, frozenUntil, frozenWords } from "./freeze.ts";
import { environmentGates, type GateName, type GateState, haltAllWords } from "./gate.ts";
import { localWords } from "./local-time.ts";
import { overrideOf } from "./overrides.ts";
import { longestOpening, nextStart, openingAt, windowWords } from "./time-window.ts";

type Waiting = InPhase<RolloutState, "waiting-for-gates">;

/** A judgement of one gate before anybody's override. */
type Judged = Pick<GateState, "sentence" | "hosts" | "opensAt"> & { readonly isOpen: boolean };

type GateRule = (input: PlanInput, state: Waiting) => Judged | undefined;

/** The gates before a wave, in the order in which they are shown. A rule without an answer is not asked for here. */
const rules: readonly (readonly [GateName, GateRule])[] = [
  ["freeze", judgeFreezes],
  ["window", judgeWindow],
  ["approval", judgeApprovals],
  ["attended", judgeAttendance],
  ["representativeness", judgeRepresentativeness],
  ["coverage", judgeCoverage],
  ["monitoring", judgeMonitoring],
];

/**
 * Every gate before the wave that is next. Gates that concern an environment as a whole are asked before its first wave.
 * A rollout that goes back has none: nothing that reverts waits for a gate.
 */
export function judgeGates(input: PlanInput, state: Waiting): readonly GateState[] {
  const { rollout } = input;
  if (rollout.kind === "revert") return [];
  const { environment } = stageAt(rollout, state.at);
  const asked = rules.filter(([gate]) => state.at.wave === 0 || !environmentGates.includes(gate));
  const judged = asked.flatMap(([gate, rule]): readonly GateState[] => {
    const found = rule(input, state);
    if (found === undefined) return [];
    const { isOpen, ...shown } = found;
    const override = isOpen ? undefined : overrideOf(rollout, gate, state.at);
    if (override === undefined) return [{ gate, environment, state: isOpen ? "open" : "closed", ...shown }];
    const sentence = `${shown.sentence}; overridden by ${override.by}: ${override.reason}`;
    return [{ gate, environment, state: "overridden", sentence, hosts: shown.hosts }];
  });
  return [...haltAllGate(input, environment), ...judged];
}

/** What a closed gate keeps the rollout waiting for; `until` is when it opens, or when waiting for it ends. */
export function waitingOnGate({ gate, sentence, hosts, opensAt }: GateState, deadline: Instant): WaitingOn {
  return { kind: gate === "capacity" ? "max-unavailable" : gate, sentence, hosts, until: opensAt ?? deadline };
}

/** True for a gate that opens by itself at a known time: waiting for it is no standstill, however long it takes. */
export const opensByItself = ({ gate, opensAt }: GateState): boolean => gate === "halt-all" || opensAt !== undefined;

function haltAllGate({ gates: { haltAll } }: PlanInput, environment: string): readonly GateState[] {
  if (haltAll === undefined) return [];
  return [{ gate: "halt-all", environment, state: "closed", sentence: haltAllWords(haltAll), hosts: [] }];
}

const open = (sentence: string): Judged => ({ isOpen: true, sentence, hosts: [] });

const closed = (sentence: string, hosts: readonly string[] = [], opensAt?: Instant): Judged => ({
  isOpen: false,
  sentence,
  hosts,
  ...(opensAt === undefined ? {} : { opensAt }),
});

function judgeFreezes({ now, rollout, gates }: PlanInput, { at }: Waiting): Judged {
  const { environment } = stageAt(rollout, at);
  const inForce = gates.freezes
    .filter((freeze) => concerns(freeze, environment, rollout.sites))
    .flatMap((freeze) => {
      const until = frozenUntil(freeze, now);
      return until === undefined ? [] : [{ freeze, until }];
    })
    .sort((a, b) => (b.until.to ?? Number.POSITIVE_INFINITY) - (a.until.to ?? Number.POSITIVE_INFINITY));
  const [longest] = inForce;
  if (longest === undefined) return open("nothing is frozen");
  return closed(frozenWords(environment, longest.freeze), [], longest.until.to);
}

function judgeWindow({ now, rollout }: PlanInput, { at }: Waiting): Judged | undefined {
  const { environment, gates } = stageAt(rollout, at);
  const { windows = [] } = gates;
  const [first] = windows;
  if (first === undefined) return undefined;
  const takesMs = waveTakesMs(rollout, at);
  const words = windows.map(windowWords).join(" or ");
  const start = nextStart(windows, now, takesMs);
  const opening = openingAt(windows, now);
  if (start !== undefined && start <= now) {
    const closes = opening?.to === undefined ? "" : `, closes ${localWords(opening.to, first.zone)}`;
    return open(`open ${words}${closes}`);
  }
  const needed = `the wave may take ${formatDuration(takesMs)} to finish or go back`;
  if (start === undefined) {
    const longest = longestOpening(windows);
    const most = longest === undefined ? "none is longer" : `the longest is ${formatDuration(longest)}`;
    return closed(`no window of ${environment} (${words}) is long enough: ${needed}, ${most}`);
  }
  const next = `may start ${localWords(start, first.zone)}`;
  if (opening?.to === undefined) return closed(`${environment} is changed ${words}; ${next}`, [], start);
  return closed(`${needed}, the window closes in ${formatDuration(between(now, opening.to))}; ${next}`, [], start);
}

function judgeApprovals({ rollout }: PlanInput, state: Waiting): Judged | undefined {
  const { environment, gates } = stageAt(rollout, state.at);
  if (gates.approval.length === 0) return undefined;
  const missing = missingApprovals(rollout, state);
  if (missing.length > 0) return closed(missing.join("; "));
  const given = state.approvals.filter((one) => one.environment === environment);
  return open(`approved by ${given.map(({ by, role }) => `${by} (${role})`).join(", ")}`);
}

function judgeAttendance({ now, rollout }: PlanInput, { at, attendance }: Waiting): Judged | undefined {
  const { environment, gates } = stageAt(rollout, at);
  const withinMs = gates.attendedWithinMs;
  if (withinMs === undefined) return undefined;
  const ask = `somebody on call has to acknowledge it within ${formatDuration(withinMs)} before it starts: sluice ack ${rollout.id}`;
  if (attendance === undefined) return closed(`${environment} is attended; ${ask}`);
  const expiresAt = after(attendance.at, withinMs);
  if (now >= expiresAt) return closed(`the acknowledgement of ${attendance.by} has expired; ${ask}`);
  return open(`attended by ${attendance.by} for ${formatDuration(between(now, expiresAt))} more`);
}

function judgeRepresentativeness({ rollout, gates: facts }: PlanInput, { at }: Waiting): Judged | undefined {
  const { environment, gates } = stageAt(rollout, at);
  if (gates.representativeness !== true) return undefined;
  const found = facts.unrepresented.filter(
    (one) => one.environment === environment && rollout.sites.includes(one.site),
  );
  if (found.length === 0) return open("the environment below has bindings of every kind");
  return closed(found.map(({ sentence }) => sentence).join("; "));
}

function judgeCoverage(input: PlanInput, { at }: Waiting): Judged | undefined {
  const { below, gates } = stageAt(input.rollout, at);
  if (gates.coverage !== true || below === undefined) return undefined;
  const uncovered = findUncovered(input, below);
  if (uncovered.length === 0) return open(`all of ${below.environment} has passed`);
  const why = uncovered.map(({ host, why: reason }) => `${host} ${reason}`).join(", ");
  return closed(
    `${uncovered.length} of ${below.hosts.length} hosts of ${below.environment} are not covered: ${why}`,
    uncovered.map(({ host }) => host),
  );
}

function judgeMonitoring({ now, rollout, gates: facts }: PlanInput, { at, steps }: Waiting): Judged | undefined {
  const { gates } = stageAt(rollout, at);
  if (gates.monitoring !== true) return undefined;
  const hosts = takingPart(rollout, at, steps).map(({ host }) => host);
  const unheard = facts.unheard.filter(({ host }) => hosts.includes(host));
  const ownerless = facts.mutes.filter(({ owner, from, to }) => owner.trim() === "" && from <= now && now < to);
  if (unheard.length === 0 && ownerless.length === 0) return open("all probes report");
  const sentences = [
    ...unheard.map(({ sentence }) => sentence),
    ...ownerless.map(({ name }) => `alerts are muted by '${name}', which has no owner`),
  ];
  return closed(sentences.join("; "), [...new Set(unheard.map(({ host }) => host))]);
}
