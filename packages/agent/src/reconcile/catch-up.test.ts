import { type Intent, instant } from "@sluice/core";
import { expect, test } from "vitest";
import type { HostMemory } from "../ledger/host-memory.ts";
import { emptyLedger, type Ledger } from "../ledger/ledger.ts";
import { type InboxPorts, IntentInbox } from "./intent-inbox.ts";
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

test("an intent that there is no room to take in when an agent starts is taken in as soon as there is", async () => {
  let [known, hasRoom] = [ledger, false];
  const memory = {
    intent: intent(4, 4),
    ledgerLost: false,
    get ledger() {
      return known;
    },
    putIntent: async () => undefined,
    update: async (change: (so: Ledger) => Ledger) => {
      if (!hasRoom) throw new Error("no space left on device");
      known = change(known);
    },
  } as unknown as HostMemory;
  const quiet = { note: () => undefined, over: () => undefined, info: () => undefined };
  const ports = {
    host: "web-1",
    memory,
    log: quiet,
    troubles: quiet,
    onTaken: () => undefined,
    onRefused: () => undefined,
  };
  const inbox = new IntentInbox(ports as unknown as InboxPorts);
  await expect(inbox.catchUp()).rejects.toThrow("no space left");
  await inbox.takeOwed();
  expect(known.memory.generation).toBe(3);
  hasRoom = true;
  await inbox.takeOwed();
  expect(known.memory).toEqual({ maxFence: 4, generation: 4, digest: "d-4" });
});
