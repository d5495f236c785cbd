import { describe, expect, test } from "vitest";
import { minutes, seconds } from "../units/time.ts";
import { at, broken, healthy, inconclusive, live, pass, regressed, rollout, stage, world } from "./rollout-builders.ts";

const twoAtOnce = rollout({ stages: [stage("production", [["web-1", "web-2", "web-3"]], { maxUnavailable: 2 })] });

/** A world whose first wave is live and on trial. */
function onTrial(...args: Parameters<typeof world>) {
  const it = world(...args);
  it.settle();
  it.says("web-1", live);
  it.settle();
  return it;
}

describe("moving forwards", () => {
  test("a rollout goes wave by wave to completed and proves every host on its way", () => {
    const it = onTrial();
    expect(it.state.phase).toBe("observing");
    it.pass(30_000);
    it.settle();
    expect(it.state).toMatchObject({ phase: "activating", at: { stage: 0, wave: 1 } });
    for (const host of ["web-2", "web-3"]) {
      it.says(host, live);
      it.settle();
    }
    it.pass(30_000);
    it.settle();
    expect(it.state.phase).toBe("completed");
    const proven = it.actions.map((action) => action.kind === "record-proven" && action.host);
    expect(proven).toEqual(["web-1", "web-2", "web-3"]);
  });

  test("the hosts of a wave take turns under maxUnavailable, and the others say for whom they wait", () => {
    const it = world(twoAtOnce);
    const plan = it.settle();
    expect(Object.values(it.state.steps).map(({ kind }) => kind)).toEqual(["activating", "activating", "pending"]);
    expect(plan.waitingOn.at(-1)?.sentence).toBe(
      "web-3 waits for its turn after web-1 and web-2 (at most 2 at a time)",
    );
    it.says("web-1", live);
    it.settle();
    expect(it.state.steps["web-3"]?.kind).toBe("activating");
  });

  test("hosts that another rollout has in the middle of an activation count against the cap", () => {
    const it = world(twoAtOnce);
    it.input = { ...it.input, others: { busyUnits: {}, unavailable: { "shop/production": ["web-9"] } } };
    it.settle();
    expect(Object.values(it.state.steps).filter(({ kind }) => kind === "activating")).toHaveLength(1);
  });

  test("a unit in the hands of another rollout is waited for by name", () => {
    const it = world();
    it.input = { ...it.input, others: { busyUnits: { "web-1/site:shop": "r-0" }, unavailable: {} } };
    expect(it.settle().waitingOn[0]?.sentence).toBe("web-1 is in the hands of rollout r-0");
    expect(it.state.steps["web-1"]?.kind).toBe("pending");
  });

  test("a silent host gets no grant and stops its wave until the deadline halts it", () => {
    const it = world();
    it.silence("web-1");
    expect(it.settle().waitingOn[0]?.sentence).toBe("waiting for web-1 to report");
    it.pass(minutes(11));
    it.plan();
    expect(it.state).toMatchObject({ phase: "halted", cause: { kind: "deadline" } });
    expect(it.state.steps["web-1"]?.kind).toBe("pending");
  });

  test("the next wave waits until the hosts of the last one hold it as proven", () => {
    const it = onTrial();
    it.pass(30_000);
    it.input = {
      ...it.input,
      hosts: {
        ...it.input.hosts,
        "web-1": { ...healthy("web-1", [{ grant: "r-1/web-1/activate", since: at(0), progress: live }]) },
      },
    };
    it.plan();
    it.input = { ...it.input, hosts: { ...it.input.hosts, "web-1": healthy("web-1", [], "v1") } };
    expect(it.settle().waitingOn[0]?.sentence).toBe("waiting for web-1 to acknowledge what passed there");
    expect(it.state.phase).toBe("waiting-for-gates");
  });

  test("a host that undid what passed because the word of it came too late halts the rollout instead of being waited for", () => {
    const it = onTrial();
    it.pass(30_000);
    const grant = { grant: "r-1/web-1/activate", since: it.input.now, progress: { kind: "unconfirmed" } as const };
    while (it.state.phase === "observing") it.plan();
    it.input = { ...it.input, hosts: { ...it.input.hosts, "web-1": healthy("web-1", [grant], "v1") } };
    it.plan();
    expect(it.state).toMatchObject({
      phase: "halted",
      cause: {
        kind: "unconfirmed",
        sentence: "web-1: undid it because the word that it passed came too late",
      },
    });
    it.plan();
    it.plan();
    expect(it.state.steps["web-1"]).toMatchObject({ kind: "reverting", grant: "r-1/web-1/revert" });
  });

  test("a host that gave back what passed, because a restored backup told it to, halts the rollout instead of being waited for", () => {
    const it = onTrial();
    it.pass(30_000);
    const grant = { grant: "r-1/web-1/activate", since: it.input.now, progress: { kind: "withdrawn" } as const };
    while (it.state.phase === "observing") it.plan();
    it.input = { ...it.input, hosts: { ...it.input.hosts, "web-1": healthy("web-1", [grant], "v1") } };
    it.plan();
    const sentence = "web-1: gave back what passed there, by the word of another coordinator";
    expect(it.state).toMatchObject({ phase: "halted", cause: { kind: "unconfirmed", sentence } });
  });

  test("a grant lasts longer than the longest way to its confirmation", () => {
    const it = onTrial();
    const step = it.state.steps["web-1"];
    if (it.state.phase !== "observing" || step?.kind !== "provisional") throw new Error("not on trial");
    expect(step.confirmBy).toBeGreaterThanOrEqual(it.state.deadline + minutes(5));
  });
});

describe("judging", () => {
  test("no verdict by the deadline halts and never passes", () => {
    const it = onTrial(rollout(), inconclusive);
    it.pass(minutes(6));
    const plan = it.plan();
    expect(plan.next).toMatchObject({ phase: "halted", cause: { kind: "deadline" } });
    expect(plan.actions).toEqual([expect.objectContaining({ kind: "page" })]);
    it.settle();
    expect(it.actions.some(({ kind }) => kind === "record-proven")).toBe(false);
  });

  test("a wall of missing evidence is summed up, with everything at hand", () => {
    const details = ["a lacks 1", "b lacks 2", "c lacks 3", "d lacks 4"];
    const it = onTrial(rollout(), { kind: "inconclusive", missing: details });
    const { waitingOn } = it.plan();
    const sentence = "a lacks 1; b lacks 2; and 2 more like these";
    expect(waitingOn).toContainEqual(expect.objectContaining({ kind: "evidence", sentence, details }));
  });

  test("a regression halts at once, in the words of the verdict", () => {
    const it = onTrial(rollout(), regressed);
    it.plan();
    expect(it.state).toMatchObject({
      phase: "reverting",
      cause: { kind: "regressed", sentence: regressed.kind === "regressed" ? regressed.reasons[0] : "" },
    });
  });

  test("a pass does not count while a host of the wave is silent", () => {
    const it = onTrial();
    it.silence("web-1");
    it.pass(30_000);
    expect(it.settle().waitingOn).toMatchObject([{ kind: "host", hosts: ["web-1"] }]);
    expect(it.state.phase).toBe("observing");
  });

  test.each(["failed", "unconfirmed", "withdrawn"] as const)(
    "a host on trial that reports %s halts the rollout",
    (kind) => {
      const it = onTrial(rollout(), inconclusive);
      it.says("web-1", kind === "failed" ? broken : { kind });
      it.plan();
      expect(it.state).toMatchObject({
        phase: "halted",
        cause: { kind: kind === "unconfirmed" ? "unconfirmed" : "step-failed" },
      });
    },
  );

  test("a host that refuses its step halts the rollout with host and reason", () => {
    const it = world();
    it.settle();
    it.says("web-1", broken);
    it.plan();
    expect(it.state).toMatchObject({
      phase: "halted",
      cause: { kind: "step-failed", sentence: "web-1: exited with code 1 on start; it never served a request there" },
    });
  });

  test("a coordinator that lost sight of much of its fleet grants nothing and lets no deadline pass", () => {
    const it = world();
    it.input = { ...it.input, fleet: { hosts: 6, silent: 2 } };
    expect(it.settle().waitingOn[0]?.kind).toBe("blind");
    it.pass(minutes(60));
    it.settle();
    expect(it.state).toMatchObject({ phase: "waiting-for-gates" });
    expect(it.state.steps["web-1"]?.kind).toBe("pending");
  });

  test("one silent host of three is not blindness", () => {
    const it = world();
    it.input = { ...it.input, fleet: { hosts: 3, silent: 1 } };
    it.settle();
    expect(it.state.phase).toBe("activating");
  });
});

describe("going back", () => {
  function regressedInWaveTwo(...args: Parameters<typeof world>) {
    const it = onTrial(...args);
    it.pass(30_000);
    it.settle();
    it.says("web-2", live);
    it.settle();
    it.says("web-3", live);
    it.settle();
    it.input = { ...it.input, verdict: regressed };
    return it;
  }

  test("what was on trial is withdrawn and what passed gets a grant for what ran before", () => {
    const it = regressedInWaveTwo();
    it.settle();
    expect(Object.fromEntries(Object.entries(it.state.steps).map(([host, { kind }]) => [host, kind]))).toEqual({
      "web-1": "reverting",
      "web-2": "withdrawing",
      "web-3": "withdrawing",
    });
    it.says("web-2", { kind: "withdrawn" });
    it.says("web-3", { kind: "withdrawn" });
    it.says("web-1", { kind: "preparing", doing: "starts what ran before" });
    it.settle();
    expect(it.state).toMatchObject({ phase: "reverting", steps: { "web-1": { kind: "reverting" } } });
    it.says("web-1", live);
    it.settle();
    expect(it.state.phase).toBe("reverted");
    expect(it.actions.at(-1)).toEqual({
      kind: "record-proven",
      host: "web-1",
      units: [{ unit: "site:shop", digest: "v1" }],
    });
  });

  test("a restart that changes nothing is left where it passed; one that renewed a certificate is taken back there as well", () => {
    const restart = (renews?: readonly string[]) => {
      const units = [{ unit: "proxy:shop", from: "p1", to: "p1", ...(renews && { renews }) }] as const;
      const waves = [["web-1"], ["web-2", "web-3"]].map((hosts) => hosts.map((host) => ({ host, units })));
      return rollout({ kind: "restart", stages: [{ ...stage("production", []), waves }] });
    };
    const steps = [restart(), restart(["shop"])].map((of) => {
      const it = regressedInWaveTwo(of);
      it.settle();
      return it.state.steps["web-1"]?.kind;
    });
    expect(steps).toEqual(["passed", "reverting"]);
  });

  test("a host on the old release that may not know of its withdrawal yet is waited for", () => {
    const it = onTrial(rollout(), regressed);
    it.plan();
    it.input = {
      ...it.input,
      hosts: { ...it.input.hosts, "web-1": { ...healthy("web-1", [], "v1"), upToDate: false } },
    };
    it.settle();
    expect(it.state.phase).toBe("reverting");
    it.input = { ...it.input, hosts: { ...it.input.hosts, "web-1": healthy("web-1", [], "v1") } };
    it.settle();
    expect(it.state.phase).toBe("reverted");
  });

  test("a host that holds what is withdrawn for proven, by another coordinator's word, is not waited for", () => {
    const it = onTrial(rollout(), regressed);
    it.settle();
    expect(it.state.steps["web-1"]?.kind).toBe("withdrawing");
    const view = healthy("web-1", [], "v2");
    it.input = { ...it.input, hosts: { ...it.input.hosts, "web-1": { ...view, upToDate: false } } };
    it.settle();
    expect(it.state.steps["web-1"]?.kind).toBe("withdrawing");
    it.input = { ...it.input, hosts: { ...it.input.hosts, "web-1": view } };
    it.settle();
    expect(it.state).toMatchObject({ phase: "held", steps: { "web-1": { kind: "revert-failed" } } });
    expect(it.actions.at(-1)).toMatchObject({
      kind: "page",
      sentence: expect.stringContaining("web-1: cannot go back: it holds the new release for proven"),
    });
  });

  test("a host that cannot go back leaves the rollout held and pages", () => {
    const it = regressedInWaveTwo();
    it.settle();
    it.says("web-2", { kind: "withdrawn" });
    it.says("web-3", { kind: "withdrawn" });
    it.says("web-1", broken);
    it.settle();
    expect(it.state.phase).toBe("held");
    expect(it.actions.at(-1)).toMatchObject({
      kind: "page",
      sentence: expect.stringContaining("web-1: cannot go back: exited with code 1 on start; web-2, web-3: back on"),
    });
  });

  test("a deadline takes back what is on trial and leaves what passed", () => {
    const it = regressedInWaveTwo();
    it.input = { ...it.input, verdict: inconclusive };
    it.pass(minutes(6));
    it.settle();
    it.says("web-2", { kind: "withdrawn" });
    it.says("web-3", { kind: "withdrawn" });
    it.settle();
    expect(it.state).toMatchObject({ phase: "held", steps: { "web-1": { kind: "passed" } } });
  });

  test("a host that a later rollout has changed since is left alone", () => {
    const it = regressedInWaveTwo();
    it.input = { ...it.input, proven: { "web-1/site:shop": "v3" } };
    it.settle();
    expect(it.state.steps["web-1"]?.kind).toBe("passed");
  });

  test("where nothing ran before, going back stops the unit", () => {
    const fresh = rollout({
      stages: [
        stage("production", [], {
          waves: [
            [{ host: "web-1", units: [{ unit: "site:shop", to: "v2" }] }],
            [{ host: "web-2", units: [{ unit: "site:shop", to: "v2" }] }],
          ],
        }),
      ],
    });
    const it = onTrial(fresh);
    it.pass(30_000);
    it.settle();
    it.says("web-2", broken);
    it.settle();
    expect(it.state.steps["web-1"]?.kind).toBe("withdrawing");
    expect(it.actions).toContainEqual({
      kind: "record-proven",
      host: "web-1",
      units: [{ unit: "site:shop", digest: undefined }],
    });
  });

  test("where going back is worse in one environment, a halt there holds and a halt before it goes back", () => {
    const stages = [stage("acceptance", [["at-1"]]), stage("production", [["web-1"]], { onRegression: "hold" })];
    const goesOn = (it: ReturnType<typeof world>, host: string) => {
      it.settle();
      it.says(host, live);
      it.settle();
    };
    const early = world(rollout({ stages }), regressed);
    goesOn(early, "at-1");
    expect(early.state.phase).toBe("reverting");
    const late = world(rollout({ stages }), pass);
    goesOn(late, "at-1");
    late.pass(seconds(31));
    late.settle();
    late.input = { ...late.input, verdict: regressed };
    goesOn(late, "web-1");
    expect(late.state.phase).toBe("held");
  });

  test("a rollout that is to hold stays as it is, and its grants do not run out while a person thinks", () => {
    const it = onTrial(rollout({ onRegression: "hold" }), regressed);
    it.settle();
    expect(it.state.phase).toBe("held");
    for (let minute = 0; minute < 120; minute += 5) {
      it.pass(minutes(5));
      it.settle();
      const step = it.state.steps["web-1"];
      expect(step?.kind === "provisional" && step.confirmBy).toBeGreaterThan(it.input.now);
    }
  });
});
