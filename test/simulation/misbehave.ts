import type { History } from "./history.ts";
import type { RunningProgram } from "./sim-watchdog.ts";

export interface MisbehavePorts {
  readonly history: History;
  /** It still runs, and is not what is proven here. */
  readonly isOnTrial: () => boolean;
  /** Its process ends, and whoever starts agents takes so long to start another. */
  readonly end: (downMs: number) => void;
  /** Its process stays, and does nothing any more. */
  readonly hang: () => void;
}

/** What a bad program does while it is on trial: at once, or after a while unless it is proven by then. */
export function misbehave(running: RunningProgram, { history, isOnTrial, end, hang }: MisbehavePorts): void {
  const { time, prng } = history;
  const later = (ms: number, act: () => void): void =>
    time.after(ms, () => {
      if (isOnTrial()) act();
    });
  const deafen = (): void => {
    running.isDeaf = true;
  };
  const acts: Readonly<Record<string, () => void>> = {
    dies: () => end(prng.whole(100, 1000)),
    hangs: hang,
    deaf: deafen,
  };
  const [kind = "", isLate] = running.behaviour.split("-later");
  const act = acts[kind];
  if (act === undefined) return;
  if (isLate !== undefined) later(prng.whole(2000, 60_000), act);
  else if (kind === "dies") later(prng.whole(0, 300), act);
  else act();
}
