import { expect, test } from "vitest";
import { Places } from "./places.ts";

test("no more work is under way than there are places, and all of it is done in order, failed work as well", async () => {
  const places = new Places(2);
  const begun: number[] = [];
  let under = 0;
  let most = 0;
  const work = (number: number) => async () => {
    begun.push(number);
    under += 1;
    most = Math.max(most, under);
    await new Promise((resolve) => setImmediate(resolve));
    under -= 1;
    if (number === 1) throw new Error("failed");
    return number;
  };
  const done = await Promise.allSettled([0, 1, 2, 3, 4].map((number) => places.within(work(number))));
  expect(most).toBe(2);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  expect(done.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"]);
});
