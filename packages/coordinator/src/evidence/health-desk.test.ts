import type { ProbeOutcome } from "@sluice/core";
import type { EvidenceRow } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { expect, test } from "vitest";
import { type CoordinatorRig, fleetText, startRig } from "../testing/coordinator-rig.ts";
import { eventually } from "../testing/eventually.ts";
import type { ScriptedAgent } from "../testing/scripted-agent.ts";

const hosts = ["at-1", "web-1", "web-2"] as const;
const bad: ProbeOutcome = { kind: "bad", status: 500, reason: "answered 500, expected 200" };
const failing = { onProbe: () => bad };

/** Rounds of one probe that make a history, and some more. */
const roundsOfHistory = 40;

interface Proven extends AsyncDisposable {
  readonly rig: CoordinatorRig;
  readonly agents: Readonly<Record<(typeof hosts)[number], ScriptedAgent>>;
}

/** A release is live and proven everywhere, and has been probed for long enough to be compared with. */
async function startProven(): Promise<Proven> {
  await using opened = new AsyncDisposableStack();
  const rig = opened.use(await startRig());
  await rig.operator.apply(fleetText());
  const [at, web1, web2] = hosts.map((host) => rig.agent(host));
  if (at === undefined || web1 === undefined || web2 === undefined) throw new Error("there are three hosts");
  await rig.operator.untilPhase(await rig.operator.deploy("shop", "1.0.0"), "completed");
  await eventually(async () => {
    const { hosts: found } = await rig.operator.ask((client) => client.getHealth, { site: "shop", newest: 1 });
    return Math.min(...found.flatMap(({ probes }) => probes.map(({ good }) => good)));
  }).toBeGreaterThan(roundsOfHistory);
  const held = opened.move();
  return {
    rig,
    agents: { "at-1": at, "web-1": web1, "web-2": web2 },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** New settings of the proxies, which go through acceptance first. */
async function change({ rig }: Proven, soakMs: number): Promise<string> {
  const [id] = (await rig.operator.apply(fleetText({ soakMs, forward: "internal" }))).rolloutIds;
  if (id === undefined) throw new Error("there is nothing to change");
  return id;
}

const untilOnTrial = (proven: Proven, id: string) =>
  eventually(() => stepsOf(proven, id)).toEqual(["at-1 passed", "web-1 provisional", "web-2 pending"]);

const stepsOf = async ({ rig }: Proven, id: string): Promise<readonly string[]> =>
  (await rig.operator.rollout(id)).stages.flatMap(({ waves }) =>
    waves.flatMap((wave) => wave.steps.map(({ host, state }) => `${host} ${state}`)),
  );

test("hosts that were not changed fail as well: it is paused and not reverted, and goes on once they are well", async () => {
  await using proven = await startProven();
  const { rig, agents } = proven;
  const id = await change(proven, 400);
  await untilOnTrial(proven, id);
  agents["web-1"].follow(failing);
  agents["web-2"].follow(failing);
  const paused = await rig.operator.untilPhase(id, "paused");
  expect(paused.waitingOn.map(({ sentence }) => sentence).join()).toContain("hosts that were not changed fail as well");
  expect(await stepsOf(proven, id)).toEqual(["at-1 passed", "web-1 provisional", "web-2 pending"]);
  agents["web-1"].follow({});
  agents["web-2"].follow({});
  await rig.operator.untilPhase(id, "completed");
  const kinds = (await rig.operator.events()).flatMap((event) => (event.rolloutId === id ? [event.kind] : []));
  expect(kinds).toContain("rollout.paused");
  expect(kinds).not.toContain("rollout.halted");
});

test("a host that fails alone is told by its counts, by those of the others, and goes back", async () => {
  await using proven = await startProven();
  const { rig, agents } = proven;
  const id = await change(proven, 400);
  await untilOnTrial(proven, id);
  agents["web-1"].follow(failing);
  const reverted = await rig.operator.untilPhase(id, "reverted");
  expect(reverted.cause?.sentence).toMatch(
    /on web-1: \d+ of \d+ probes .* since the change, .*; 0 of \d+ before; on 1 other host 0 of/,
  );
  const shown = await rig.operator.rollout(id);
  expect(shown.evidence.filter(({ state }) => state === "regressed").length).toBeGreaterThan(0);
});

test("a host that passed stays under test until the rollout ends: when it fails later, everything goes back", async () => {
  await using proven = await startProven();
  const { rig, agents } = proven;
  agents["web-2"].follow({ onGrant: () => ({ kind: "preparing", doing: "starting" }) });
  const id = await change(proven, 20);
  await eventually(() => stepsOf(proven, id)).toEqual(["at-1 passed", "web-1 passed", "web-2 activating"]);
  agents["web-1"].follow(failing);
  const reverted = await rig.operator.untilPhase(id, "reverting");
  expect(reverted.cause?.sentence).toContain("on web-1");
});

test("a coordinator that is started again while it observes knows the same counts and comes to the same verdict", async () => {
  await using proven = await startProven();
  const { rig, agents } = proven;
  const id = await change(proven, 2_000);
  await untilOnTrial(proven, id);
  await eventually(async () =>
    Math.max(...(await rig.operator.rollout(id)).evidence.map(({ now }) => now?.requests ?? 0)),
  ).toBeGreaterThan(10);
  const before = await rig.operator.rollout(id);
  await rig.restart();
  const after = await rig.operator.rollout(id);
  const nameOf = ({ host, binding, hop, source, indicator }: EvidenceRow) =>
    [host, binding, hop, source, indicator].join("|");
  expect(after.evidence.map(nameOf)).toEqual(before.evidence.map(nameOf));
  for (const [index, row] of before.evidence.entries()) {
    const again = after.evidence[index];
    expect(again?.now?.requests).toBeGreaterThanOrEqual(row.now?.requests ?? 0);
    expect(again?.before).toEqual(row.before);
  }
  agents["web-1"].follow(failing);
  await rig.operator.untilPhase(id, "reverted");
});
