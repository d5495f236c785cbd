import { credentials } from "@grpc/grpc-js";
import { Problem } from "@sluice/core";
import { AgentServiceClient } from "@sluice/protocol/generated/sluice/agent/v1/agent";
import { expect, test } from "vitest";
import { startRig } from "../testing/coordinator-rig.ts";
import { assertMayCall } from "./principal.ts";

const viewer = { name: "eve", role: "viewer", agent: false } as const;

test("a viewer may look and not touch, over unary calls and streams alike", async () => {
  await using rig = await startRig({ authenticate: () => viewer });
  const { operator } = rig;
  await expect(operator.deploy("shop", "1.0.0")).rejects.toMatchObject({ reason: "role-missing" });
  await expect(operator.push({ site: "shop", version: "1", digest: "", bytes: 0 }, [])).rejects.toMatchObject({
    reason: "role-missing",
  });
  await expect(operator.status()).rejects.toMatchObject({ reason: "fleet-missing" });
  expect((await operator.events()).map(({ kind }) => kind)).toEqual(["coordinator.started"]);
  const agent = new AgentServiceClient(rig.coordinator.address, credentials.createInsecure());
  const refused = await new Promise<Error>((resolve) => agent.session().on("error", resolve));
  expect(refused.message).toContain("cannot call /sluice.agent.v1.AgentService/Session as 'eve'");
  agent.close();
});

test("a method without a rule is closed to everybody", () => {
  const admin = { name: "root", role: "admin", agent: true } as const;
  expect(() => assertMayCall(admin, "/sluice.operator.v1.OperatorService/Destroy")).toThrow(Problem);
  expect(() => assertMayCall(admin, "/sluice.local.v1.LocalService/Switch")).toThrow(Problem);
});
