import { Writable } from "node:stream";
import type { Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { createLogUpdate } from "log-update";
import { sayJson, type World } from "../world.ts";
import { rolloutChanges } from "./rollout-changes.ts";
import { rolloutView } from "./rollout-view.ts";

/** Shows rollouts while they are followed. */
export interface Progress extends Disposable {
  show(rollout: Rollout): void;
  /** A sentence about the following itself, for example that the coordinator does not answer. */
  remark(sentence: string): void;
}

/** Often enough for countdowns, seldom enough for slow links. */
const redrawEveryMs = 500;

/** JSON lines when asked for, a redrawn picture on a terminal, else one line for each change. */
export function startProgress(world: World, json: boolean, rollouts: number): Progress {
  if (json) return jsonProgress(world);
  return world.stdout.isTerminal ? liveProgress(world) : plainProgress(world, rollouts > 1);
}

function jsonProgress(world: World): Progress {
  return {
    show: (rollout) => sayJson(world, { kind: "rollout", rollout }),
    remark: (sentence) => world.stderr.write(`${sentence}\n`),
    [Symbol.dispose]: () => undefined,
  };
}

/** `14:03:59  activating wave 1 of 1 in acceptance`; with several rollouts each line says which. */
function plainProgress(world: World, isSeveral: boolean): Progress {
  const seen = new Map<string, Rollout>();
  const print = (line: string): void => world.stdout.write(`${world.clock(world.now())}  ${line}\n`);
  return {
    show: (rollout) => {
      const about = isSeveral ? `${rollout.title}: ` : "";
      for (const line of rolloutChanges(seen.get(rollout.id), rollout)) print(`${about}${line}`);
      seen.set(rollout.id, rollout);
    },
    remark: print,
    [Symbol.dispose]: () => undefined,
  };
}

function liveProgress(world: World): Progress {
  const rollouts = new Map<string, Rollout>();
  let sentence: string | undefined;
  const columns = world.stdout.columns ?? 80;
  const update = createLogUpdate(streamOf(world));
  const draw = (): void => {
    const views = [...rollouts.values()].map((rollout) =>
      rolloutView(rollout, { nowMs: world.now(), columns, colors: world.colors }),
    );
    update([...views, ...(sentence === undefined ? [] : [sentence])].join("\n\n"));
  };
  const timer = setInterval(draw, redrawEveryMs);
  return {
    show: (rollout) => {
      rollouts.set(rollout.id, rollout);
      sentence = undefined;
      draw();
    },
    remark: (text) => {
      sentence = text;
      draw();
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      draw();
      update.done();
    },
  };
}

/** log-update writes to a stream and asks it for its size. */
function streamOf(world: World): Writable {
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk: unknown, _encoding, done) => {
      world.stdout.write(String(chunk));
      done();
    },
  });
  return Object.assign(stream, { isTTY: true, columns: world.stdout.columns ?? 80, rows: world.stdout.rows ?? 24 });
}
