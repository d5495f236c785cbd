import type { ChildState, KeeperState } from "./keeper-state.ts";
import { stampOf } from "./process-stamp.ts";

export interface Survivors {
  readonly state: KeeperState;
  /** What was given up, in sentences. */
  readonly remarks: readonly string[];
}

/**
 * What a keeper takes over from one that was killed. When a process lives on that was to be kept running, only the keeper was
 * killed: everything recorded goes on, and what died meanwhile is started again. When none does, the host was rebooted or
 * everything on it was killed. What ran then need not be proven, and that is not for a keeper to know: nothing is started and
 * nothing bound, and whoever knows the proven releases asks for them.
 */
export function survivorsOf(state: KeeperState, isAlive: (child: ChildState) => boolean = lives): Survivors {
  const living = state.children.filter(isAlive);
  if (living.some(({ spec }) => spec.restart === "on-exit")) return { state, remarks: [] };
  const held = new Set(living.flatMap(({ spec }) => spec.sockets));
  const sockets = state.sockets.filter(({ name }) => held.has(name));
  const given = [
    ...state.children.filter((child) => !living.includes(child)).map(({ id }) => id),
    ...state.sockets.filter((socket) => !sockets.includes(socket)).map(({ name }) => `socket ${name}`),
  ];
  if (given.length === 0) return { state, remarks: [] };
  const remark = `no process of an earlier keeper lives on; started and bound nothing again of: ${given.join(", ")}`;
  return { state: { ...state, sockets, children: living }, remarks: [remark] };
}

const lives = ({ run }: ChildState): boolean => run !== null && stampOf(run.pid) === run.stamp;
