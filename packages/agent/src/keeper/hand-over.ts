import { type ChildProcess, spawn } from "node:child_process";
import { Problem } from "@sluice/core/problems/problem";
import { durationMs } from "@sluice/core/units/time";
import type { Clock } from "@sluice/runtime/clock/clock";
import type { Keeper } from "./keeper.ts";
import { type HandoverDone, keeperStatus } from "./keeper-api.ts";
import { askKeeper } from "./keeper-client.ts";
import type { KeeperState } from "./keeper-state.ts";

/** Tells a keeper that it is a successor: its predecessor's state comes through standard input. */
export const successorVariable = "SLUICE_KEEPER_SUCCESSOR";

/**
 * A successor has nothing to do but read and listen. Longer than that nobody is kept without a keeper that decides, also by a good one
 * on a machine that is short of everything: it can be asked again.
 */
const successorMs = 15_000;
const askEveryMs = durationMs(20);

export interface HandoverPlace {
  readonly keeper: Pick<Keeper, "whenInCharge" | "stepBack" | "takeCharge" | "fds" | "state">;
  readonly socketPath: string;
  readonly clock: Clock;
  /** Makes the control socket lead to this keeper again, whoever has it now. */
  readonly reclaim: () => Promise<void>;
  /** For the successor to answer; the usual time when absent. */
  readonly withinMs?: number;
}

/**
 * Starts a successor that inherits every socket and learns of every child. Resolves when it answers on the control socket: then
 * this process has to end. When it does not come, it is killed, this keeper is in charge again and the failure is thrown:
 * `deadline-passed` when it only did not answer in time, and `spawn-failed` when it ended.
 */
export async function handOver(
  { keeper, socketPath, clock, reclaim, withinMs = successorMs }: HandoverPlace,
  order: { readonly command: string; readonly args: readonly string[] },
): Promise<HandoverDone> {
  await keeper.whenInCharge();
  await keeper.stepBack();
  const fds = keeper.fds();
  const successor = spawn(order.command, order.args, {
    env: { ...process.env, [successorVariable]: "1" },
    detached: true,
    stdio: ["pipe", "inherit", "inherit", ...fds.map(({ fd }) => fd)],
  });
  try {
    await tellState(successor, withFds(keeper.state(), fds));
    return await answered(successor, socketPath, clock, withinMs);
  } catch (error) {
    successor.kill("SIGKILL");
    await reclaim();
    await keeper.takeCharge();
    const isSlow = error instanceof Problem && error.reason === "deadline-passed";
    const reason = isSlow ? "deadline-passed" : "spawn-failed";
    throw new Problem(reason, "cannot hand over to a successor, keeping all sockets and children", { cause: error });
  }
}

function withFds(state: KeeperState, fds: readonly { readonly name: string }[]): KeeperState {
  const number = new Map(fds.map(({ name }, at) => [name, at + 3]));
  return {
    ...state,
    sockets: state.sockets.map((socket) => {
      const fd = number.get(socket.name);
      return fd === undefined ? socket : { ...socket, fd };
    }),
  };
}

/** Resolves when the successor runs and the state is on its way. */
function tellState(successor: ChildProcess, state: KeeperState): Promise<void> {
  return new Promise((resolve, reject) => {
    successor.once("error", reject);
    successor.once("spawn", resolve);
    successor.stdin?.on("error", () => undefined);
    successor.stdin?.end(JSON.stringify(state));
  });
}

async function answered(
  successor: ChildProcess,
  socketPath: string,
  clock: Clock,
  withinMs: number,
): Promise<HandoverDone> {
  const deadline = clock.monotonic() + withinMs;
  while (clock.monotonic() < deadline) {
    if (successor.exitCode !== null || successor.signalCode !== null) {
      throw new Error(`the successor ended with ${successor.exitCode ?? successor.signalCode}`);
    }
    const status = await askKeeper(socketPath, "GET", "/status", keeperStatus, { timeoutMs: 1000 }).catch(
      () => undefined,
    );
    if (status !== undefined && status.pid === successor.pid) return { pid: status.pid, build: status.build };
    await clock.sleep(askEveryMs);
  }
  throw new Problem("deadline-passed", `the successor did not answer within ${Math.round(withinMs / 1000)} s`);
}
