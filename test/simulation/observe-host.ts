import type {
  Grant,
  GrantObservation,
  GrantProgress,
  HostObservation,
  Instant,
  IntentBody,
  IntentMemory,
  ProbeBatch,
  UnitKey,
} from "@sluice/core";

/** What an agent tells the coordinator with every beat. */
export interface Report {
  readonly observation: HostObservation;
  readonly batch: ProbeBatch;
}

/** Time between two looks of an agent at its host, each followed by a report. */
export const beatMs = 5000;

export interface Outcome {
  readonly since: Instant;
  readonly progress: GrantProgress;
  readonly grant: Grant;
}

/** What survives crashes and reboots of a simulated host: each write replaces a whole member at once. */
export interface Disk {
  memory: IntentMemory | undefined;
  body: IntentBody | undefined;
  proven: Map<string, string>;
  outcomes: Map<string, Outcome>;
  /** Grants whose activation began and has no outcome yet. */
  journal: Map<string, Grant>;
}

export interface Observed {
  readonly host: string;
  readonly now: Instant;
  readonly startedAt: Instant;
  readonly disk: Disk;
  readonly running: ReadonlyMap<string, string>;
}

/** What the agent of a simulated host says about it. */
export function observeHost(of: Observed): HostObservation {
  const { memory, proven, body } = of.disk;
  const units = new Set([...proven.keys(), ...of.running.keys(), ...(body?.units ?? []).map(({ unit }) => unit)]);
  return {
    host: of.host,
    at: of.now,
    agent: { version: "0", startedAt: of.startedAt },
    maxFence: memory?.maxFence ?? 0,
    generation: memory?.generation ?? 0,
    intentDigest: memory?.digest ?? "",
    units: [...units].sort().map((unit) => observeUnit(of, unit as UnitKey)),
    grants: observeGrants(of),
    remarks: [],
  };
}

function observeGrants({ disk, now }: Observed): readonly GrantObservation[] {
  const working = [...disk.journal.keys()].map((grant): GrantObservation => {
    return { grant, since: now, progress: { kind: "preparing", doing: "starts" } };
  });
  return [...[...disk.outcomes].map(([grant, { since, progress }]) => ({ grant, since, progress })), ...working];
}

function observeUnit(of: Observed, unit: UnitKey): HostObservation["units"][number] {
  const digest = of.running.get(unit);
  const proven = of.disk.proven.get(unit);
  const running =
    digest === undefined ? {} : { running: { digest, version: digest, build: "", pid: 1, startedAt: of.startedAt } };
  return { unit, installed: [], reasons: [], ...running, ...(proven === undefined ? {} : { proven }) };
}

/** Units that a grant has in its hands: on trial, or in the middle of an activation. */
export function heldUnits({ outcomes, journal }: Disk): ReadonlySet<string> {
  const live = [...outcomes.values()].filter(({ progress }) => progress.kind === "provisional");
  const grants = [...live.map(({ grant }) => grant), ...journal.values()];
  return new Set(grants.flatMap(({ units }) => units.map(({ unit }) => unit)));
}
