import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "./support/each-engine.ts";
import { eventually } from "./support/eventually.ts";
import { servedOver, waysTo } from "./support/served-release.ts";
import { type Fleet, startFleet } from "./support/start-fleet.ts";
import { expectNoneFailed, startUsers, tellCounts } from "./support/user-load.ts";

eachEngine((engine) => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ engine, sites: ["shop", "blog"], drain: "20s" });
    for (const site of ["shop", "blog"]) {
      await fleet.push(site, "1");
      await fleet.push(site, "2");
      await fleet.deploy(site, "1");
    }
    await fleet.push("shop", "dies", "dies");
    await fleet.push("shop", "half", "fails-public");
  });
  afterAll(() => fleet?.[Symbol.asyncDispose]());

  const unasked = { toEnvironment: undefined, reason: undefined, overrides: [] };

  /** Deploys without asking the new copy first, so that its fault meets users of that site. */
  async function deployBlindly(site: string, version: string): Promise<string> {
    const overrides = [{ check: "probes-before", reason: "test" }];
    const { rolloutId = "" } = await fleet.client.deploy({ ...unasked, site, version, overrides });
    return (await fleet.untilEnded(rolloutId)).phase;
  }

  test("two sites share a port, and good, dying, faulty and restarting changes of one fail no request of the other", async () => {
    const ofShop = startUsers(fleet, "shop");
    const ofBlog = startUsers(fleet, "blog");
    await fleet.deploy("shop", "2");
    expect((await fleet.untilEnded(await fleet.beginDeploy("shop", "dies"))).phase).toBe("reverted");
    const { rolloutIds } = await fleet.client.restart({ ...unasked, site: "shop", proxies: true });
    for (const id of rolloutIds) await fleet.untilCompleted(id);
    const shopBefore = ofShop.report();
    expect(await deployBlindly("shop", "half")).toBe("reverted");
    const shop = await ofShop.stop();
    tellCounts(`${engine}, the changed site`, shop, { "failed before the faulty release": shopBefore.failed });
    expect(shopBefore.failures).toEqual([]);
    expect(shop.failures.filter(({ reason }) => reason !== "answered 500")).toEqual([]);
    await expectNoneFailed(`${engine}, the other site on the same port`, ofBlog, { "rollouts beside it": 4 });
  });

  test("a killed proxy of one site loses no request of the other", async () => {
    const ofBlog = startUsers(fleet, "blog");
    const keeper = fleet.keeper(fleet.host.name);
    const proxyOfShop = async () => {
      const { children } = await keeper.status();
      return children.find(({ id, phase }) => id.startsWith("proxy-shop-") && phase === "running");
    };
    const kills = 3;
    for (let kill = 0; kill < kills; kill += 1) {
      const { pid } = await eventually("the proxy of shop runs", proxyOfShop);
      process.kill(pid ?? Number.NaN, "SIGKILL");
      await eventually("it runs again", async () => ![undefined, pid].includes((await proxyOfShop())?.pid));
    }
    await eventually("shop is served", async () =>
      (await servedOver(waysTo(fleet.host, "shop"))).every((one) => one === "2"),
    );
    await expectNoneFailed(`${engine}, the other site while a proxy is killed`, ofBlog, { kills });
  });

  test("rollouts of two sites go side by side, and neither fails a request", async () => {
    const ofShop = startUsers(fleet, "shop");
    const ofBlog = startUsers(fleet, "blog");
    const ids = await Promise.all([fleet.beginDeploy("shop", "1"), fleet.beginDeploy("blog", "2")]);
    const [shop, blog] = await Promise.all(ids.map((id) => fleet.untilCompleted(id)));
    expect(shop?.createdAtMs).toBeLessThan(blog?.endedAtMs ?? 0);
    expect(blog?.createdAtMs).toBeLessThan(shop?.endedAtMs ?? 0);
    expect(await servedOver(waysTo(fleet.host, "shop"))).toEqual(["1", "1"]);
    expect(await servedOver(waysTo(fleet.host, "blog"))).toEqual(["2", "2"]);
    await expectNoneFailed(`${engine}, shop beside blog`, ofShop, { switches: 1 });
    await expectNoneFailed(`${engine}, blog beside shop`, ofBlog, { switches: 1 });
  });
});
