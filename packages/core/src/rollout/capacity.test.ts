import { expect, test } from "vitest";
import { applyVerb } from "./apply-verb.ts";
import { othersOf, type Standing } from "./capacity.ts";
import { live, rollout, stage, type World, world } from "./rollout-builders.ts";

const change = (host: string, site: string) => ({
  host,
  units: [{ unit: `proxy:${site}` as const, from: "v1", to: "v2" }],
});

/** Two rollouts that change different units of the same site, so that only the cap keeps them apart. */
function pair(
  atOnce = 1,
  olderHosts = ["web-1", "web-2", "web-3"],
): { readonly older: World; readonly younger: World; round(): void } {
  const stages = (units: (host: string) => ReturnType<typeof change>, hosts: readonly string[]) => [
    { ...stage("production", [[]], { maxUnavailable: atOnce }), waves: [hosts.map(units)] },
  ];
  const older = world(rollout({ id: "r-1", stages: stage1(olderHosts, atOnce) }));
  const younger = world(
    rollout({ id: "r-2", stages: stages((host) => change(host, "shop"), ["web-4", "web-5", "web-6"]) }),
  );
  const both = [older, younger];
  return {
    older,
    younger,
    round() {
      for (const one of both) {
        const active: readonly Standing[] = both.map(({ input }) => ({ rollout: input.rollout, state: input.state }));
        const hosts = Object.assign({}, ...both.map(({ input }) => input.hosts));
        one.input = { ...one.input, others: othersOf(one.input.rollout.id, active, hosts) };
        one.settle();
      }
    },
  };
}

const stage1 = (hosts: readonly string[], maxUnavailable: number) => [stage("production", [hosts], { maxUnavailable })];

const kinds = (it: World): readonly string[] => Object.values(it.state.steps).map(({ kind }) => kind);

test("a younger rollout that began alone leaves the room that it frees to an older one that waits", () => {
  const { older, younger, round } = pair();
  younger.settle();
  round();
  younger.says("web-4", live);
  const active = [older, younger].map(({ input }) => ({ rollout: input.rollout, state: input.state }));
  younger.input = {
    ...younger.input,
    others: othersOf("r-2", active, { ...older.input.hosts, ...younger.input.hosts }),
  };
  const plan = younger.settle();
  expect(kinds(younger)).toEqual(["provisional", "pending", "pending"]);
  expect(plan.waitingOn[0]?.sentence).toBe(
    "web-5 waits for its turn after web-1, web-2 and web-3 of rollout r-1, which is older",
  );
  round();
  expect(kinds(older)).toEqual(["activating", "pending", "pending"]);
});

test("a younger rollout leaves the last room to a single host of an older one", () => {
  const { older, younger } = pair(1, ["web-1"]);
  older.plan();
  expect({ phase: older.state.phase, steps: kinds(older) }).toEqual({ phase: "activating", steps: ["pending"] });
  const active = [older, younger].map(({ input }) => ({ rollout: input.rollout, state: input.state }));
  const hosts = { ...older.input.hosts, ...younger.input.hosts };
  younger.input = { ...younger.input, others: othersOf("r-2", active, hosts) };
  younger.settle();
  expect(kinds(younger)).toEqual(["pending", "pending", "pending"]);
});

test("a host that could not go anyway keeps nobody waiting", () => {
  const { older, younger } = pair();
  older.settle();
  older.says("web-1", live);
  older.settle();
  for (const host of ["web-1", "web-2", "web-3"]) older.silence(host);
  const active = [older, younger].map(({ input }) => ({ rollout: input.rollout, state: { ...input.state } }));
  const others = othersOf("r-2", active, { ...older.input.hosts, ...younger.input.hosts });
  expect(others.ahead).toEqual({});
});

test("room for several is shared: what older turns leave is the younger's", () => {
  const { older, younger, round } = pair(4);
  round();
  expect(kinds(older)).toEqual(["activating", "activating", "activating"]);
  expect(kinds(younger)).toEqual(["activating", "pending", "pending"]);
});

test("a paused rollout waits for no turn", () => {
  const { older, younger } = pair();
  older.settle();
  const outcome = applyVerb(older.input, "pause", { by: "ada", now: older.input.now });
  if ("refusal" in outcome) throw new Error(outcome.refusal.sentence);
  const active = [
    { rollout: older.input.rollout, state: outcome.state },
    { rollout: younger.input.rollout, state: younger.state },
  ];
  expect(othersOf("r-2", active, older.input.hosts).ahead).toEqual({});
});
