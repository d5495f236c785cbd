import {
  approvalWords,
  describeRollout,
  type GateState,
  gateWords,
  grantOf,
  type HostView,
  type Instant,
  type StepState,
  type VerdictRow,
  type WaitingOn,
} from "@sluice/core";
import { toWireEvidenceRow } from "@sluice/protocol";
import type {
  RolloutStage,
  RolloutStep,
  Rollout as WireRollout,
} from "@sluice/protocol/generated/sluice/types/v1/rollout";
import type { StoredRollout } from "../store/rollouts.ts";

/** What a rollout is shown with besides its own state. */
export interface RolloutLight {
  readonly now: Instant;
  readonly waitingOn: readonly WaitingOn[];
  readonly gates: readonly GateState[];
  readonly hosts: Readonly<Record<string, HostView>>;
  /** The table behind its present verdict, for those who want to see it. */
  readonly evidence?: readonly VerdictRow[];
}

/** A rollout as operators see it. */
export function toWireRollout(stored: StoredRollout, light: RolloutLight): WireRollout {
  const { rollout, state, endedAt } = stored;
  const { id, kind, title, sites, by, reason, createdAt, overrides } = rollout;
  return {
    id,
    kind,
    title,
    sites: [...sites],
    by,
    reason,
    oneWay: rollout.oneWay,
    createdAtMs: createdAt,
    phase: state.phase,
    statusLine: describeRollout(rollout, state, light.waitingOn, light.now),
    stages: rollout.stages.map((stage) => wireStage(stage, stored, light)),
    waitingOn: light.waitingOn.map(({ kind: why, sentence, hosts, until, details = [] }) => ({
      kind: why,
      sentence,
      hosts: [...hosts],
      untilMs: until,
      details: [...details],
    })),
    cause: "cause" in state ? wireCause(state.cause) : undefined,
    overrides: overrides.map(({ at, ...one }) => ({ environment: undefined, wave: undefined, ...one, atMs: at })),
    gates: light.gates.map(({ opensAt, hosts, ...gate }) => ({ ...gate, hosts: [...hosts], opensAtMs: opensAt })),
    endedAtMs: endedAt,
    deadlineMs: "deadline" in state ? state.deadline : undefined,
    evidence: (light.evidence ?? []).map(toWireEvidenceRow),
    ...current(stored),
  };
}

function wireCause({
  kind,
  sentence,
  evidence,
  at,
}: Extract<StoredRollout["state"], { phase: "halted" }>["cause"]): WireRollout["cause"] {
  return { kind, sentence, evidence: [...evidence], atMs: at };
}

function current({ state }: StoredRollout): Pick<WireRollout, "currentStage" | "currentWave"> {
  const at = state.phase === "paused" ? state.resumeTo.at : "at" in state ? state.at : undefined;
  return { currentStage: at?.stage, currentWave: at?.wave };
}

function wireStage(
  { environment, gates, waves }: StoredRollout["rollout"]["stages"][number],
  { state }: StoredRollout,
  light: RolloutLight,
): RolloutStage {
  const step = ({ host, units }: (typeof waves)[number][number]): RolloutStep =>
    wireStep(
      host,
      units.map(({ unit }) => unit),
      state.steps[host] ?? { kind: "pending" },
      light.hosts[host],
    );
  return {
    environment,
    soakMs: gates.soakMs,
    approval: gates.approval.map(approvalWords),
    gates: [...gateWords(gates)],
    waves: waves.map((wave) => ({ steps: wave.map(step) })),
  };
}

function wireStep(host: string, units: string[], step: StepState, view: HostView | undefined): RolloutStep {
  const awayMs = "awayMs" in step ? step.awayMs : undefined;
  const progress = "grant" in step ? grantOf(view, step.grant)?.progress : undefined;
  return {
    host,
    state: step.kind,
    units,
    reason: "reason" in step ? step.reason : undefined,
    switchMs: "switchMs" in step && awayMs === undefined ? step.switchMs : undefined,
    awayMs,
    doing: progress?.kind === "preparing" ? progress.doing : undefined,
  };
}
