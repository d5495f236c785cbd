import { expect, test } from "vitest";
import { judgeLateHost, type LateHost } from "./judge-late-host.ts";
import type { RolloutState } from "./rollout.ts";
import { at, rollout, stage } from "./rollout-builders.ts";
import { releaseIn } from "./way-back.ts";

const state: RolloutState = {
  phase: "completed",
  since: at(9),
  steps: {
    "web-1": { kind: "passed", at: at(1) },
    "web-2": { kind: "skipped", at: at(2), reason: "silent for 10m" },
  },
};
const late: LateHost = {
  ...{ rollout: rollout({ stages: [stage("production", [["web-1"], ["web-2"]])] }), state, host: "web-2" },
  ...{ isConnected: true, isThere: true, badReleases: {} },
  proven: { "web-1/site:shop": "v2", "web-2/site:shop": "v1" },
};

test("a host that was skipped gets what the others have as soon as it is heard of", () => {
  expect(judgeLateHost(late)).toMatchObject({
    kind: "follow",
    change: { host: "web-2" },
    stage: { environment: "production" },
  });
  expect(judgeLateHost({ ...late, isConnected: false })).toEqual({ kind: "wait", why: "web-2 is silent" });
  expect(judgeLateHost({ ...late, activeRollout: "r-2" }).kind).toBe("wait");
});

const others: readonly (readonly [string, Partial<LateHost>, string])[] = [
  [
    "was taken back on the others",
    { proven: { "web-1/site:shop": "v1", "web-2/site:shop": "v1" } },
    "web-1 has been changed",
  ],
  ["was replaced by a later rollout", { laterRollout: "r-2" }, "rollout r-2 came to it later"],
  [
    "has lost its good verdict",
    { badReleases: { [releaseIn("production", "site:shop", "v2")]: "kept" } },
    "no good verdict",
  ],
  ["is there already", { proven: { "web-1/site:shop": "v2", "web-2/site:shop": "v2" } }, "it has it already"],
  ["belongs to hosts of another environment", { isThere: false }, "no host of production any more"],
  [
    "never completed",
    { state: { ...state, phase: "reverted", cause: {} as never } },
    "not skipped by a rollout that completed",
  ],
];

test.each(others)("what %s never reaches a host that comes late", (_, more, why) => {
  const decision = judgeLateHost({ ...late, ...more });
  expect(decision.kind).toBe("drop");
  expect(JSON.stringify(decision)).toContain(why);
});

test("a restart follows although the release is the same", () => {
  const same = { unit: "site:shop", from: "v2", to: "v2" } as const;
  const waves = ["web-1", "web-2"].map((host) => [{ host, units: [same] }]);
  const restart = rollout({ kind: "restart", stages: [{ ...stage("production", []), waves }] });
  const proven = { "web-1/site:shop": "v2", "web-2/site:shop": "v2" };
  expect(judgeLateHost({ ...late, rollout: restart, proven }).kind).toBe("follow");
});
