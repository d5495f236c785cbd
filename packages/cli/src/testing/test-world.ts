import pc from "picocolors";
import type { World } from "../world.ts";

export interface TestWorld extends World {
  /** What was written so far. */
  out(): string;
  err(): string;
  interrupt(): void;
}

/** A world without a terminal, with a clock that stands at 12:00:00; say only what is unusual. */
export function createTestWorld(unusual: Partial<World> = {}): TestWorld {
  let out = "";
  let err = "";
  const listeners = new Set<() => void>();
  return {
    stdout: {
      isTerminal: false,
      write: (text) => {
        out += text;
      },
    },
    stderr: {
      isTerminal: false,
      write: (text) => {
        err += text;
      },
    },
    env: {},
    cwd: "/nonexistent",
    user: "anna",
    pid: 1,
    canAsk: false,
    colors: pc.createColors(false),
    now: () => 61_000,
    clock: () => "12:00:00",
    ask: async () => {
      throw new Error("nobody was to be asked");
    },
    onInterrupt: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    out: () => out,
    err: () => err,
    interrupt: () => {
      for (const listener of listeners) listener();
    },
    ...unusual,
  };
}
