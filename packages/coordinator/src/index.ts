export { type Authenticate, type Principal, trustLoopback } from "./rpc/principal.ts";
export { type Coordinator, type CoordinatorOptions, startCoordinator } from "./start-coordinator.ts";
