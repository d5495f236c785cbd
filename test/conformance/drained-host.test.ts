import { readyPath } from "@sluice/core/proxying/proxy-settings";
import { startSlot, type TestSlot } from "@sluice/proxy/testing/start-slot";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import { valuesOf } from "./support/response-reader.ts";
import { slotsAt } from "./support/scripted-slot.ts";
import { exchange, get } from "./support/wire-client.ts";

let slot: TestSlot;

beforeAll(async () => {
  slot = await startSlot((req, res) => void req.resume().on("end", () => res.end(`slot: ${req.url}`)));
});

afterAll(() => slot[Symbol.asyncDispose]());

eachEngine((startSite, shape) => {
  /** What the front keeps with its own clients is its own affair: a host has sites that are drained and one front. */
  const lastOnes = shape === "own-port" ? ["close"] : [];

  test.concurrent("a drained host tells the edge, serves who still comes, and lets go of every connection", async () => {
    const slots = slotsAt(slot.port, slot.port);
    await using site = await startSite({ slots });
    const inService = await exchange(site, get(readyPath));
    expect([inService.status, inService.body.toString()]).toEqual([200, "this host takes requests\n"]);
    expect(valuesOf(inService, "connection")).not.toContain("close");

    await site.put({ ...slots, draining: true });
    expect((await site.status()).slots).toMatchObject({ live: "blue", draining: true });
    const drained = await exchange(site, get(readyPath));
    expect([drained.status, drained.body.toString()]).toEqual([503, "this host is being drained\n"]);
    expect(valuesOf(drained, "connection").filter((value) => value === "close")).toEqual(lastOnes);
    const served = await exchange(site, get("/cart"));
    expect([served.status, served.body.toString()]).toEqual([200, "slot: /cart"]);
    expect(valuesOf(served, "connection").filter((value) => value === "close")).toEqual(lastOnes);

    await site.put(slots);
    expect((await site.status()).slots).not.toHaveProperty("draining");
    expect((await exchange(site, get(readyPath))).status).toBe(200);
    expect(valuesOf(await exchange(site, get()), "connection")).not.toContain("close");
  });

  test.concurrent("an edge is told to stay away while no release is live, and its questions count as nobody's requests", async () => {
    await using site = await startSite({ slots: { live: "hold" } });
    const answer = await exchange(site, get(readyPath));
    expect([answer.status, answer.body.toString()]).toEqual([503, "no release is live at the moment\n"]);
    for (const part of site.parts) {
      const { bindings } = await site.counters(part);
      expect(bindings.map(({ users }) => users.outcomes)).toEqual(bindings.map(() => ({})));
    }
  });
});
