import type { Metadata } from "@grpc/grpc-js";
import { Problem } from "@sluice/core";
import { includesRole, methodRoles, type Role } from "@sluice/protocol";

/** Who calls, and what they may do. `agent` is the right to speak for a host. */
export interface Principal {
  readonly name: string;
  readonly role: Role;
  readonly agent: boolean;
}

/** Says who a call comes from, or throws a `role-missing` problem. */
export type Authenticate = (metadata: Metadata, peer: string) => Principal;

/**
 * The rule while the coordinator listens on loopback only: whoever reaches the port is an admin, and its `sluice-user`
 * is taken for the name in the audit log.
 */
export function trustLoopback(fallbackName: string): Authenticate {
  return (metadata) => {
    const [user] = metadata.get("sluice-user");
    const name = typeof user === "string" && user !== "" ? user : fallbackName;
    return { name, role: "admin", agent: true };
  };
}

/** Services of the gRPC world itself (health, reflection): they tell nothing about the fleet. */
const openServices = ["/grpc.health.v1.Health/", "/grpc.reflection."];

/** Throws `role-missing` unless the table of the contract lets `principal` call `path`. What has no rule is closed. */
export function assertMayCall(principal: Principal, path: string): void {
  if (openServices.some((prefix) => path.startsWith(prefix))) return;
  const needed = methodRoles[path];
  if (needed === "agent" && principal.agent) return;
  if (needed !== undefined && needed !== "agent" && needed !== "local" && includesRole(principal.role, needed)) return;
  throw new Problem(
    "role-missing",
    `cannot call ${path} as '${principal.name}': it needs the role ${needed ?? "of nobody"}`,
  );
}
