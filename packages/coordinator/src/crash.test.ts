import { durationMs, isRoutine, type UnitKey } from "@sluice/core";
import { expect, test } from "vitest";
import { firstBrokenEvent, newestSeq, readEvents } from "./store/event-log.ts";
import { type Db, openStore } from "./store/store.ts";
import { type CoordinatorRig, fleetText, startRig } from "./testing/coordinator-rig.ts";
import { eventually } from "./testing/eventually.ts";
import type { AgentScript } from "./testing/scripted-agent.ts";

const hosts = ["at-1", "web-1", "web-2"] as const;
const quick = { heartbeatMs: durationMs(120) };

/** Kills the coordinator after the first commit in which the event log reaches `seq`. */
class Kill {
  readonly killed: Promise<number>;
  readonly #seq: number;
  #tell: (seq: number) => void = () => undefined;

  constructor(seq: number) {
    this.#seq = seq;
    this.killed = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  readonly afterCommit = (db: Db): void => {
    const seq = newestSeq(db);
    // What hosts do by themselves is nobody's decision; host-watch.test.ts ends coordinators around it.
    if (seq < this.#seq || readEvents(db, seq - 1, 1)[0]?.kind === "host.joined") return;
    this.#tell(seq);
    throw new Error("killed");
  };
}

interface End {
  readonly phase: string;
  readonly steps: readonly string[];
  readonly running: readonly (readonly UnitKey[])[];
  /** What the log tells of rollout and hosts, whatever the order of hosts was. */
  readonly told: readonly string[];
}

/** One rollout with a kill at `seq`; answers how it ended and where it was killed, or that it ended before. */
async function rolloutKilledAt(
  seq: number,
  script: AgentScript,
): Promise<{ readonly end: End; readonly at: number | undefined }> {
  const kill = new Kill(seq);
  await using rig = await startRig({ ...quick, afterCommit: kill.afterCommit });
  const agents = hosts.map((host) => rig.agent(host, script, { probeEveryMs: 15, heartbeatMs: 25 }));
  const first = begin(rig).then(
    () => undefined,
    () => undefined,
  );
  const at = await Promise.race([kill.killed, first.then(() => ended(rig)).then(() => undefined)]);
  if (at !== undefined) await rig.restart({ afterCommit: () => undefined });
  const id = await begin(rig);
  const rollout = await rig.operator.until(id, ({ endedAtMs }) => endedAtMs !== undefined);
  await eventually(() => agents.map((agent) => agent.intent?.body.grants.length)).toEqual([0, 0, 0]);
  const steps = rollout.stages.flatMap(({ waves }) => waves.flatMap((wave) => wave.steps.map(({ state }) => state)));
  const running = agents.map((agent) => [...agent.running.keys()].sort());
  await rig.stop();
  using store = openStore({ dataDir: rig.dataDir });
  expect(firstBrokenEvent(store)).toBeUndefined();
  return { end: { phase: rollout.phase, steps, running, told: toldIn(store) }, at };
}

/**
 * Everything but what each start and each kill adds of itself, and what hangs on when reports came on a busy machine: whether a host
 * was taken for silent for a moment, and whether somebody looked while a gate was shut for want of them.
 */
function toldIn(store: Db): readonly string[] {
  return readEvents(store, 0, 1000)
    .filter((event) => !isRoutine(event) && !isMatterOfTime(event.kind))
    .map(({ kind, host }) => (host === undefined ? kind : `${kind} ${host}`))
    .sort();
}

const isMatterOfTime = (kind: string): boolean => /^(coordinator|gate)\.|^host\.(silent|back)$/.test(kind);

/** Applies and deploys, unless an earlier life of the coordinator did it already. */
async function begin({ operator }: CoordinatorRig): Promise<string> {
  await operator.apply(fleetText({ soakMs: 0 }));
  const [known] = (await operator.ask((client) => client.listRollouts, { activeOnly: false, limit: 1 })).rollouts;
  return known?.id ?? operator.deploy("shop", "1.0.0");
}

async function ended({ operator }: CoordinatorRig): Promise<void> {
  const [rollout] = (await operator.ask((client) => client.listRollouts, { activeOnly: false, limit: 1 })).rollouts;
  await operator
    .until(rollout?.id ?? "", ({ endedAtMs }) => endedAtMs !== undefined)
    .catch(() => new Promise(() => undefined));
}

async function killEverywhere(script: AgentScript): Promise<{ readonly ends: readonly End[]; readonly kills: number }> {
  const ends: End[] = [];
  let kills = 0;
  // The first event is that of the start itself.
  for (let seq = 2; ; kills += 1) {
    const { end, at } = await rolloutKilledAt(seq, script);
    ends.push(end);
    if (at === undefined) return { ends, kills };
    seq = at + 1;
  }
}

test("a coordinator killed after any event goes on where it was, completes the rollout and tells everything once", {
  timeout: 180_000,
}, async () => {
  const { ends, kills } = await killEverywhere({});
  expect(kills).toBeGreaterThan(15);
  const units = ["proxy:shop", "site:shop"];
  const told = ends.at(-1)?.told ?? [];
  expect(told.filter((event) => event.startsWith("step.passed"))).toHaveLength(3);
  for (const end of ends) {
    const steps = ["passed", "passed", "passed"];
    expect(end).toEqual({ phase: "completed", steps, running: [units, units, units], told });
  }
});

test("a coordinator killed after any event of a failing rollout turns every host back all the same", {
  timeout: 180_000,
}, async () => {
  const failure = { kind: "failed", touchedTraffic: false, reason: "answered 400", failure: "probes-before" } as const;
  const { ends, kills } = await killEverywhere({
    onGrant: ({ id }) =>
      id.includes("/web-2/") ? failure : { kind: "provisional", switchedAt: Date.now() as never, switchMs: 1 },
  });
  expect(kills).toBeGreaterThan(15);
  const told = ends.at(-1)?.told ?? [];
  expect(told).toEqual(expect.arrayContaining(["rollout.halted", "step.failed web-2", "step.reverted web-1"]));
  for (const end of ends) {
    const steps = ["reverted", "reverted", "failed"];
    expect(end).toEqual({ phase: "reverted", steps, running: [[], [], []], told });
  }
});
