import { expect, test } from "vitest";
import { fleetText, startRig } from "../testing/coordinator-rig.ts";
import { eventually } from "../testing/eventually.ts";

test("the event log can be followed: what was, then what comes, without a gap", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText());
  const stream = operator.client.watchEvents({ afterSeq: 0, follow: true }, operator.metadata);
  stream.on("error", () => undefined);
  const seqs: number[] = [];
  const kinds: string[] = [];
  stream.on("data", ({ seq, kind }) => {
    seqs.push(seq);
    kinds.push(kind);
  });
  await eventually(() => kinds).toContain("fleet.applied");
  rig.agent("at-1");
  await operator.untilPhase(await operator.deploy("shop", "1.0.0", "acceptance"), "completed");
  await eventually(() => kinds).toContain("rollout.completed");
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  stream.cancel();
});

test("a watched rollout is shown until it has ended, and the stream ends by itself", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText());
  rig.agent("at-1");
  const id = await operator.deploy("shop", "1.0.0", "acceptance");
  const shown = await operator.all((client) => client.watchRollout({ id }, operator.metadata));
  expect(shown.at(-1)?.rollout?.phase).toBe("completed");
  expect(shown.length).toBeGreaterThan(2);
  expect((await operator.rollout(id.slice(-8))).id).toBe(id);
  await expect(operator.rollout("rollout-9")).rejects.toMatchObject({ reason: "rollout-unknown" });
});

test("a rollout goes on while nobody reads the streams that show it", async () => {
  await using rig = await startRig();
  const { operator } = rig;
  await operator.apply(fleetText());
  rig.agent("at-1");
  const lazy = operator.client.watchEvents({ afterSeq: 0, follow: true }, operator.metadata).pause();
  lazy.on("error", () => undefined);
  await operator.untilPhase(await operator.deploy("shop", "1.0.0", "acceptance"), "completed");
  lazy.cancel();
});
