import { expect, test } from "vitest";
import { AgentServiceService } from "./generated/sluice/agent/v1/agent.ts";
import { LocalServiceService } from "./generated/sluice/local/v1/local.ts";
import { OperatorServiceService } from "./generated/sluice/operator/v1/operator.ts";
import { includesRole, methodRoles } from "./method-roles.ts";

test("every RPC has a rule and every rule an RPC", () => {
  const services = [AgentServiceService, OperatorServiceService, LocalServiceService];
  const paths: string[] = services.flatMap((service) => Object.values(service).map((method) => method.path));
  expect(Object.keys(methodRoles).sort()).toEqual(paths.sort());
});

test("a role includes those before it and none after", () => {
  expect(includesRole("admin", "viewer")).toBe(true);
  expect(includesRole("deployer", "deployer")).toBe(true);
  expect(includesRole("viewer", "deployer")).toBe(false);
});
