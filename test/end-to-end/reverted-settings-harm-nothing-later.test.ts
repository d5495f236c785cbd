import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers } from "./support/user-load.ts";

eachEngine((engine) => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ engine });
    await apply({ forward: "internal" });
    for (const version of ["1", "2"]) await fleet.push("shop", version, "fails-public");
    await fleet.deploy("shop", "1");
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  const unasked = { toEnvironment: undefined, reason: undefined, overrides: [] };

  async function apply(changes: Parameters<Fleet["text"]>[0]): Promise<readonly string[]> {
    const files = [{ name: "fleet.yaml", text: fleet.text(changes) }];
    return (await fleet.client.apply({ files, reason: "test", overrides: [] })).rolloutIds;
  }

  test("while the fleet file still wants a change that was reverted, a restart of the site passes as before", async () => {
    const users = startUsers(fleet, "shop");
    const [id = ""] = await apply({ forward: "preserve" });
    const reverted = await fleet.untilEnded(id);
    expect(reverted.phase).toBe("reverted");
    expect(reverted.cause?.sentence).toContain("www.shop.example via proxy answered 500");
    const { rolloutIds } = await fleet.client.restart({ ...unasked, site: "shop", proxies: false });
    expect(rolloutIds).toHaveLength(1);
    for (const restart of rolloutIds) await fleet.untilCompleted(restart);
    await expectNoneFailed(`${engine}, a reverted change, then a restart`, users, { rollouts: 2 });
  });

  test("once the file is put back, the next release passes", async () => {
    const users = startUsers(fleet, "shop");
    expect(await apply({ forward: "internal" })).toEqual([]);
    await fleet.deploy("shop", "2");
    await expectNoneFailed(`${engine}, a release after a reverted change`, users, { rollouts: 1 });
  });
});
