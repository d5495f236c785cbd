import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { eventually } from "./eventually.ts";

/** All files that take turns, on the slowest machine. */
const turnMsMax = 1_200_000;

const name = `sluice-turn-${process.ppid}`;
/** Of one run of tests. On Linux it is no file, but a name that is free again when its owner is gone, however that ended. */
const place = process.platform === "linux" ? `\0${name}` : join(tmpdir(), name);

/**
 * No two files of a run that call this are at work at the same time. For those that count minutes by a fast clock: beside each other
 * on two cores they would take the pauses of a busy machine for outages.
 */
export function takeTurns(): void {
  let turn: Server | undefined;
  beforeAll(async () => {
    turn = await eventually("no other file has the turn", listen, { everyMs: 500, withinMs: turnMsMax });
  }, turnMsMax + 10_000);
  afterAll(() => {
    turn?.close();
  });
}

/** False when another one has the place. */
function listen(): Promise<Server | false> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    server.listen(place, () => resolve(server));
  });
}
