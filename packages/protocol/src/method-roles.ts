/** Roles from least to most; each includes those before it. */
export const roles = ["viewer", "deployer", "approver", "admin"] as const;
export type Role = (typeof roles)[number];

/** `agent`: only a host's own agent; `local`: whoever may open the unix socket; else the least operator role. */
export type MethodRole = Role | "agent" | "local";

/** Who may open a gate that is closed; whoever may stop a change need not be one who may let it through. */
export const overriderRole: Role = "approver";

/**
 * Who may call what. Total: a test compares it with the generated services, so a new RPC without a rule fails.
 * Approving is open to deployers here because the gate itself asks for the role it needs.
 */
export const methodRoles: Readonly<Record<string, MethodRole>> = {
  "/sluice.agent.v1.AgentService/Session": "agent",
  "/sluice.agent.v1.AgentService/FetchArtifact": "agent",
  "/sluice.operator.v1.OperatorService/Plan": "viewer",
  "/sluice.operator.v1.OperatorService/Apply": "deployer",
  "/sluice.operator.v1.OperatorService/PushRelease": "deployer",
  "/sluice.operator.v1.OperatorService/ListReleases": "viewer",
  "/sluice.operator.v1.OperatorService/Deploy": "deployer",
  "/sluice.operator.v1.OperatorService/Restart": "deployer",
  "/sluice.operator.v1.OperatorService/RebootHosts": "deployer",
  "/sluice.operator.v1.OperatorService/ListRollouts": "viewer",
  "/sluice.operator.v1.OperatorService/GetRollout": "viewer",
  "/sluice.operator.v1.OperatorService/WatchRollout": "viewer",
  "/sluice.operator.v1.OperatorService/CommandRollout": "deployer",
  "/sluice.operator.v1.OperatorService/OverrideGate": overriderRole,
  "/sluice.operator.v1.OperatorService/AddFreeze": "deployer",
  "/sluice.operator.v1.OperatorService/ListFreezes": "viewer",
  "/sluice.operator.v1.OperatorService/RemoveFreeze": overriderRole,
  "/sluice.operator.v1.OperatorService/AddMute": "deployer",
  "/sluice.operator.v1.OperatorService/ListMutes": "viewer",
  "/sluice.operator.v1.OperatorService/RemoveMute": "deployer",
  "/sluice.operator.v1.OperatorService/HaltAll": "deployer",
  "/sluice.operator.v1.OperatorService/ClearHalt": overriderRole,
  "/sluice.operator.v1.OperatorService/DrainHost": "deployer",
  "/sluice.operator.v1.OperatorService/UndrainHost": "deployer",
  "/sluice.operator.v1.OperatorService/GetStatus": "viewer",
  "/sluice.operator.v1.OperatorService/GetHealth": "viewer",
  "/sluice.operator.v1.OperatorService/ListAlerts": "viewer",
  "/sluice.operator.v1.OperatorService/Acknowledge": "deployer",
  "/sluice.operator.v1.OperatorService/TestPage": "deployer",
  "/sluice.operator.v1.OperatorService/Probe": "viewer",
  "/sluice.operator.v1.OperatorService/ReadEvents": "viewer",
  "/sluice.operator.v1.OperatorService/WatchEvents": "viewer",
  "/sluice.local.v1.LocalService/GetStatus": "local",
  "/sluice.local.v1.LocalService/Switch": "local",
  "/sluice.local.v1.LocalService/Revert": "local",
};

/** True when somebody with role `has` may do what needs `needs`. */
export function includesRole(has: Role, needs: Role): boolean {
  return roles.indexOf(has) >= roles.indexOf(needs);
}
