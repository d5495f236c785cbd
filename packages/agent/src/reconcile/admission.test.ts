import { type ActivationPhase, type ActivationState, instant } from "@sluice/core";
import { expect, test } from "vitest";
import type { Ledger } from "../ledger/ledger.ts";
import { Admission, activationsAtOnceMax } from "./admission.ts";

const state = (id: string, phase: ActivationPhase): ActivationState =>
  ({
    phase,
    grant: { id, confirmBy: instant(1000) },
    parts: [{ release: { digest: `digest-${id}` } }],
    deadline: instant(1000),
  }) as unknown as ActivationState;

const ids = Array.from({ length: activationsAtOnceMax + 1 }, (_, at) => `g${at}`);

function world(phases: Readonly<Record<string, ActivationPhase>> = {}) {
  const states = ids.map((id) => state(id, phases[id] ?? "installing"));
  const ledger = { activations: Object.fromEntries(states.map((one) => [one.grant.id, one])) } as unknown as Ledger;
  const seen = { installed: ids.map((id) => `digest-${id}`) };
  return states.map((one) => ({ state: one, ledger, seen, isHeld: true, now: instant(0) }));
}

test("as many as are allowed at once begin; the next one is told what it waits for, and begins when one of them is done", () => {
  const admission = new Admission();
  const refusals = world().map((candidate) => admission.refusal(candidate));
  const sentence = `waiting until one of ${activationsAtOnceMax} other activations on this host is done`;
  expect(refusals).toEqual([...Array.from({ length: activationsAtOnceMax }, () => undefined), sentence]);
  const busy = world(Object.fromEntries(ids.slice(0, -1).map((id) => [id, "probing-before"])));
  expect(admission.refusal(busy[activationsAtOnceMax] as (typeof busy)[number])).toBe(sentence);
  const oneDone = world({ g0: "provisional" });
  expect(admission.refusal(oneDone[activationsAtOnceMax] as (typeof oneDone)[number])).toBeUndefined();
});

test("what has begun before an agent restarted goes on, and counts", () => {
  const admission = new Admission();
  const begun = world(Object.fromEntries(ids.slice(0, -1).map((id) => [id, "starting"])));
  expect(begun.map((candidate) => admission.refusal(candidate) !== undefined)).toEqual(
    ids.map((_, at) => at === activationsAtOnceMax),
  );
});

test.each([
  ["its files are not there yet", { seen: { installed: [] } }],
  ["its grant is taken back", { isHeld: false }],
  ["its time is up", { now: instant(1000) }],
])("one that waits takes its next step when %s", (_, change) => {
  const admission = new Admission();
  const waiting = world().filter((candidate) => admission.refusal(candidate) !== undefined);
  expect(waiting.map((candidate) => admission.refusal({ ...candidate, ...change }))).toEqual([undefined]);
});
