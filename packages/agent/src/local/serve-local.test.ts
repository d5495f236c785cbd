import { stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { credentials } from "@grpc/grpc-js";
import { fromServiceError, fromWireObservation } from "@sluice/protocol";
import {
  type GetStatusRequest,
  type GetStatusResponse,
  LocalServiceClient,
  type RevertRequest,
  type RevertResponse,
  type SwitchRequest,
  type SwitchResponse,
} from "@sluice/protocol/generated/sluice/local/v1/local";
import { expect, onTestFinished, test } from "vitest";
import { ask, hostWithFirstRelease, openWorld, until, untilProgress, type World } from "../testing/agent-world.ts";
import { openExternalSite } from "../testing/external-site.ts";

const by = "kari";

function localClient({ dataDir }: World) {
  const client = new LocalServiceClient(`unix:${join(dataDir, "agent", "agent.sock")}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const refused = (error: Error) => Promise.reject(fromServiceError(error));
  const getStatus = promisify<GetStatusRequest, GetStatusResponse>(client.getStatus.bind(client));
  const switchSite = promisify<SwitchRequest, SwitchResponse>(client.switch.bind(client));
  const revert = promisify<RevertRequest, RevertResponse>(client.revert.bind(client));
  return {
    status: async () => {
      const { observation, coordinatorConnected } = await getStatus({});
      return { coordinatorConnected, seen: observation === undefined ? undefined : fromWireObservation(observation) };
    },
    switchSite: (site: string, reason: string) => switchSite({ site, by, reason }).catch(refused),
    revert: (unit: string, reason: string) => revert({ unit, by, reason }).catch(refused),
  };
}

test("over its own socket, for its owner only, an agent tells of its host, switches and reverts, and refuses in words", async () => {
  const world = await openWorld();
  const site = await openExternalSite();
  const { one } = await hostWithFirstRelease(world, site.release("1.0.0"));
  const local = localClient(world);
  const live = () => ask(world.port, "shop.internal").catch(String);
  expect((await stat(join(world.dataDir, "agent", "agent.sock"))).mode & 0o777).toBe(0o600);
  const { coordinatorConnected, seen } = await local.status();
  expect(coordinatorConnected).toBe(true);
  expect(seen?.units.find(({ unit }) => unit === "site:shop")).toMatchObject({
    proven: one.digest,
    running: { slot: "blue" },
  });

  const two = site.release("2.0.0");
  world.order([one, world.proxy, world.front], [two]);
  await untilProgress(world, "r2", "provisional");
  await expect(local.switchSite("shop", "it is slow")).rejects.toMatchObject({
    reason: "unit-busy",
    hint: "sluice local revert site:shop",
  });
  await expect(local.switchSite("shoe", "it is slow")).rejects.toMatchObject({ reason: "site-unknown" });
  await expect(local.revert("slot:shop", "it is slow")).rejects.toMatchObject({ reason: "usage-invalid" });
  await expect(local.revert("site:shop", " ")).rejects.toMatchObject({ reason: "reason-missing" });
  expect((await local.revert("site:shop", "basket empty")).sentence).toContain(
    "sent back to 1.0.0 on the host itself by kari",
  );
  await until("it is back", async () => (await live()) === "200 blue");
});

test("a switch on the host itself needs a copy that is ready, changes nothing without, and is shown as drift", async () => {
  const world = await openWorld();
  const site = await openExternalSite();
  const { one } = await hostWithFirstRelease(world, site.release("1.0.0"));
  const two = site.release("2.0.0");
  world.order([one, world.proxy, world.front], [two]);
  await untilProgress(world, "r2", "provisional");
  world.order([two, world.proxy, world.front], []);
  await until("it is proven and settled", () => {
    const unit = world.coordinator.observation?.units.find((one) => one.unit === "site:shop");
    return unit?.proven === two.digest && unit.reasons.length === 0;
  });
  const local = localClient(world);
  const live = () => ask(world.port, "shop.internal").catch(String);

  site.answers.blue.status = 503;
  await expect(local.switchSite("shop", "2.0.0 loses orders")).rejects.toMatchObject({ reason: "deadline-passed" });
  expect(await live()).toBe("200 green");
  expect(JSON.stringify((await local.status()).seen)).not.toContain("loses orders");

  site.answers.blue.status = 200;
  expect((await local.switchSite("shop", "2.0.0 loses orders")).sentence).toContain("switched to 1.0.0 (blue)");
  expect(await live()).toBe("200 blue");
  await until("the coordinator is told", () =>
    JSON.stringify(world.coordinator.observation?.units).includes("by kari: 2.0.0 loses orders"),
  );
  await local.revert("site:shop", "found the orders");
  await until("the drift is healed", async () => (await live()) === "200 green");
});
