import { type Intent, instant } from "@sluice/core";
import { expect, test } from "vitest";
import { emptyLedger, type Ledger } from "../ledger/ledger.ts";
import { absorbIntent, catchUp } from "./settle-ledger.ts";

const intent = (fence: number, generation: number): Intent => ({
  host: "web-1",
  generation,
  fence,
  digest: `d-${generation}`,
  body: { environment: "production", unconfirmed: "revert", sites: [], units: [], grants: [] },
});

const ledger: Ledger = {
  ...emptyLedger,
  memory: { maxFence: 4, generation: 3, digest: "d-3" },
  drifts: { "site:shop": { at: instant(0), sentence: "switched by hand" } },
};

test("an intent that was kept and not taken in is taken in by the next agent", () => {
  expect(catchUp(ledger, intent(4, 4)).memory).toEqual({ maxFence: 4, generation: 4, digest: "d-4" });
});

test("a fence that was raised by an intent obeyed already stays raised, and what drifts goes on drifting", () => {
  const caughtUp = catchUp(ledger, intent(6, 3));
  expect(caughtUp.memory).toEqual({ maxFence: 6, generation: 3, digest: "d-3" });
  expect(caughtUp.drifts).toEqual(ledger.drifts);
});

test("an intent that was taken in changes nothing", () => {
  expect(catchUp(ledger, intent(4, 3))).toBe(ledger);
  expect(catchUp(ledger, intent(3, 2))).toBe(ledger);
});

test("an intent that there was no room to take in is taken in later, and what drifts against it is healed", () => {
  const kept = intent(4, 4);
  expect(absorbIntent(ledger, intent(4, 3), kept).drifts).toEqual(ledger.drifts);
  expect(absorbIntent(ledger, kept, kept).drifts).toEqual({});
});
