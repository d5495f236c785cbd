import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PlacedSet } from "./placed-set.ts";

const someone = () => ({ place: -1 });

function membersOf<T extends { place: number }>(set: PlacedSet<T>): ReadonlySet<T> {
  const members = new Set<T>();
  set.each((one) => members.add(one));
  return members;
}

test("it holds what a Set would hold, whatever comes and goes", () => {
  const step = fc.record({ adds: fc.boolean(), who: fc.nat(9) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const all = Array.from({ length: 10 }, someone);
      const [placed, plain] = [new PlacedSet<{ place: number }>(), new Set<{ place: number }>()];
      for (const { adds, who } of steps) {
        const one = all[who] ?? someone();
        if (adds) placed.add(one);
        else placed.delete(one);
        if (adds) plain.add(one);
        else plain.delete(one);
      }
      expect(placed.size).toBe(plain.size);
      expect(membersOf(placed)).toEqual(plain);
    }),
  );
});

test("a visit may delete the one it sees, and each of the others is seen all the same", () => {
  const all = Array.from({ length: 5 }, someone);
  const set = new PlacedSet<{ place: number }>();
  for (const one of all) set.add(one);
  const seen = new Set<{ place: number }>();
  set.each((one) => {
    seen.add(one);
    set.delete(one);
  });
  expect(seen.size).toBe(5);
  expect(set.size).toBe(0);
});

test("what has come and gone is collected while it is young", async () => {
  setFlagsFromString("--expose-gc");
  const collectYoung: () => void = runInNewContext("() => gc({ type: 'minor' })", {
    gc: runInNewContext("gc"),
  });
  const set = new PlacedSet<{ place: number }>();
  const gone: WeakRef<object>[] = [];
  // Sixteen under way at a time, as many as make a table anew again and again; what they leave becomes old between the rounds.
  for (let round = 0; round < 6; round += 1) {
    passThrough(set, gone);
    await turn();
    collectYoung();
  }
  expect(gone.length).toBe(6 * 200);
  expect(gone.filter((one) => one.deref() !== undefined).length).toBeLessThan(100);
});

function passThrough(set: PlacedSet<{ place: number }>, gone: WeakRef<object>[]): void {
  const under: { place: number }[] = [];
  for (let count = 0; count < 200; count += 1) {
    const one = someone();
    set.add(one);
    under.push(one);
    gone.push(new WeakRef(one));
    if (under.length <= 16) continue;
    const first = under.shift();
    if (first !== undefined) set.delete(first);
  }
  for (const one of under) set.delete(one);
}
