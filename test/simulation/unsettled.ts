import { unsettledChanges } from "@sluice/agent/reconcile/live-units";
import { isProgramUnit, isSettled, type Phase, type StepState, type UnitKey } from "@sluice/core";
import type { SimHost } from "./sim-host.ts";
import type { Store } from "./store.ts";

export const isOver = (phase: Phase): boolean => phase === "completed" || phase === "reverted" || phase === "aborted";

/** The step has a grant out, or one to be given back. */
export const isOut = ({ kind }: StepState): boolean =>
  kind === "activating" || kind === "provisional" || kind === "withdrawing" || kind === "reverting";

/** Whether some rollout has still something to do. */
export const isMoving = ({ rollouts }: Store): boolean => rollouts.some(hasToDo);

const hasToDo = ({ state }: Store["rollouts"][number]): boolean =>
  !isOver(state.phase) || Object.values(state.steps).some(isOut);

/** A rollout that has still something to do, in words. */
export function movingRollout(store: Store): string | undefined {
  const moving = store.rollouts.find(hasToDo);
  return moving && `${moving.rollout.id} is ${moving.state.phase}: ${JSON.stringify(moving.state.steps)}`;
}

/** What keeps a host from being at rest: users reach something else than what it holds for proven, or something is left over. */
export function restlessness({ name, disk, serving, machine }: SimHost): string | undefined {
  const { proven, activations } = disk.ledger;
  const open = Object.values(activations).find((state) => !isSettled(state));
  const [change] = unsettledChanges(disk.ledger);
  if (change !== undefined) return `${name} still works on ${change.grant.id}: ${change.phase}`;
  if (open !== undefined) return `${name} still works on ${open.grant.id}: ${open.phase}`;
  for (const [unit, { digest }] of Object.entries(proven)) {
    const found = serving.get(unit) ?? [];
    if (found.length !== 1 || found[0] !== digest)
      return `${name} serves ${unit} ${found.join(" and ")}, proven is ${digest}`;
  }
  const expected = Object.keys(proven).filter((unit) => !isProgramUnit(unit as UnitKey)).length;
  const processes = [...machine.slots, ...machine.proxies];
  if (processes.length === expected) return undefined;
  const all = processes.map((one) => ("childId" in one ? one.childId : `${one.site} ${one.slot}`)).join(", ");
  return `${name} has ${processes.length} processes for ${expected} units: ${all}`;
}

/** Units that a host holds something else for proven of than the store does: it takes a rollout to make them agree. */
export const disputedUnits = ({ proven }: Store, { name, disk }: SimHost): readonly string[] =>
  Object.entries(proven[name] ?? {}).flatMap(([unit, digest]) =>
    disk.ledger.proven[unit]?.digest === digest ? [] : [unit],
  );

function disagreement(store: Store, host: SimHost): string | undefined {
  const [unit] = disputedUnits(store, host);
  if (unit === undefined) return undefined;
  const [own, told] = [host.disk.ledger.proven[unit]?.digest, store.proven[host.name]?.[unit]];
  return `${host.name} holds ${unit} ${own} for proven, the store says ${told}`;
}

/** A host that users are still led away from. */
function turnLeft({ leases, drains }: Store): string | undefined {
  const left = [...Object.keys(leases), ...Object.keys(drains)];
  return left.length === 0 ? undefined : `${left.join(", ")} has its turn to reboot, or is drained`;
}

/** What keeps a fleet from being at rest. */
export function unsettled(store: Store, hosts: readonly SimHost[]): string | undefined {
  return (
    movingRollout(store) ??
    turnLeft(store) ??
    hosts.map(restlessness).find(Boolean) ??
    hosts.map((host) => disagreement(store, host)).find(Boolean)
  );
}
