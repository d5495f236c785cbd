import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Server } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation, protoPath as healthProto } from "grpc-health-check";

/** Services of the contract; their health is the coordinator's. */
const services = ["", "sluice.agent.v1.AgentService", "sluice.operator.v1.OperatorService"] as const;

export interface Health {
  /** `NOT_SERVING` while nothing can be decided (a full disk, a store that is behind its agents). */
  set(serving: boolean): void;
}

/** The standard health service, for load balancers and `grpc_health_probe`. */
export function addHealth(server: Server): Health {
  const health = new HealthImplementation(Object.fromEntries(services.map((name) => [name, "SERVING"])));
  health.addToServer(server);
  return {
    set: (serving) => services.forEach((name) => void health.setStatus(name, serving ? "SERVING" : "NOT_SERVING")),
  };
}

/** Where the `.proto` files of the contract lie, seen from this file. */
const protoFolder = fileURLToPath(new URL("../../../../proto", import.meta.url));

/** Reflection (v1 and v1alpha), so that `grpcurl` works without the contract at hand, for the health service as well. */
export function addReflection(server: Server): void {
  const files = readdirSync(protoFolder, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".proto"),
  );
  const contract = loadSync([...files, healthProto], { includeDirs: [protoFolder] });
  new ReflectionService(contract).addToServer(server);
}
