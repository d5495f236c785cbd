import { parentPort } from "node:worker_threads";
import { addTo, type Played, type SeedRange } from "./play-seeds.ts";
import { runHistory } from "./run-history.ts";

/** Plays one range of seeds after the other, as it is told; stops a range at the first broken promise. */
parentPort?.on("message", (range: SeedRange) => parentPort?.postMessage(playRange(range)));

function playRange({ first, last }: SeedRange): Played {
  const sums = { histories: 0, ended: {}, reached: {} };
  for (let seed = first; seed <= last; seed++) {
    const { broken, ended, reached } = runHistory(seed);
    if (broken !== undefined) return { ...sums, broken: { seed, promise: broken } };
    sums.histories++;
    addTo(sums.ended, ended);
    addTo(sums.reached, reached);
  }
  return sums;
}
