import { userInfo } from "node:os";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { startOverCompiled } from "@sluice/runtime/programs/start-over-compiled";
import pc from "picocolors";
import type { Output, World } from "./world.ts";

/** Said by the watchdog to the programs that it starts; not for whatever they start in turn. */
const programVariable = "SLUICE_AGENT_PROGRAM";
const trialVariable = "SLUICE_AGENT_TRIAL";
const listenerVariable = "SLUICE_AGENT_LISTENER";

function watchdogWord(): World["watchdog"] {
  const { [programVariable]: program, [trialVariable]: trial = "" } = process.env;
  if (program === undefined) return undefined;
  const listener = Number(process.env[listenerVariable] ?? "");
  return {
    ...(program === "installed" ? {} : { digest: program }),
    ...(trial === "" ? {} : { trial }),
    ...(listener > 1 ? { giveSign: () => giveSign(listener) } : {}),
  };
}

/** Only to whoever started this process: without it somebody else may have got its number. */
function giveSign(listener: number): void {
  if (process.ppid === listener) process.kill(listener, "SIGUSR2");
}

/** Ends this process as soon as its watchdog is gone: the next watchdog starts an agent of its own. */
function endWithWatchdog(): void {
  process.stdin.on("end", () => process.exit(1));
  process.stdin.on("error", () => process.exit(1));
  process.stdin.resume();
}

/** In place, so that whoever supervises this process supervises the watchdog. */
function becomeWatchdog(dataDir: string): void {
  const entry = fileURLToPath(new URL("./sluice.mjs", import.meta.url));
  const start = fileURLToPath(import.meta.resolve("@sluice/agent/watchdog/start"));
  process.execve?.(process.execPath, [process.execPath, start, dataDir, entry, ...process.argv.slice(2)], {
    ...process.env,
  });
}

/** The only place that touches `process`: everything below gets a {@link World}. */
function worldOfProcess(now: World["now"]): World {
  const watchdog = watchdogWord();
  const isColorful = process.stdout.isTTY === true && (process.env["NO_COLOR"] ?? "") === "";
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    env: process.env,
    cwd: process.cwd(),
    user: userName(),
    pid: process.pid,
    startOverCompiled: () => {
      startOverCompiled();
      delete process.env[programVariable];
      delete process.env[trialVariable];
      delete process.env[listenerVariable];
    },
    becomeWatchdog,
    ...(watchdog === undefined ? {} : { watchdog }),
    canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true,
    colors: pc.createColors(isColorful),
    now,
    clock: (atMs) => new Date(atMs).toLocaleTimeString("en-GB"),
    ask: async (question) => {
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return await lines.question(question);
      } finally {
        lines.close();
      }
    },
    onInterrupt: (listener) => {
      process.on("SIGINT", listener);
      process.on("SIGTERM", listener);
      return {
        [Symbol.dispose]: () => {
          process.off("SIGINT", listener);
          process.off("SIGTERM", listener);
        },
      };
    },
  };
}

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    isTerminal: stream.isTTY === true,
    // Terminals that do not know their size say 0.
    get columns() {
      return stream.columns || 80;
    },
    get rows() {
      return stream.rows || 24;
    },
    write: (text) => {
      stream.write(text);
    },
  };
}

function userName(): string {
  try {
    return process.env["SLUICE_USER"] ?? userInfo().username;
  } catch {
    return "unknown";
  }
}

// A reader that has seen enough (`sluice events | head`) is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

const args = process.argv.slice(2);
const isWatched = watchdogWord() !== undefined && args[0] === "agent";
if (isWatched) endWithWatchdog();
const isService = args[0] === "agent" || args[0] === "coordinator";
const [run, { clockOf }] = await Promise.all([
  isService
    ? import("./roots/run-root.ts").then(({ runRoot }) => runRoot)
    : import("./program.ts").then(({ runCli }) => runCli),
  import("@sluice/runtime/clock/clock-of"),
]);
// A fleet whose clock is paced speaks of its own time. Read when it is asked for, where a wrong pace is told like any other fault.
const now = (): number => clockOf(process.env).now();
process.exitCode = await run(args, worldOfProcess(now));
// Whatever is still open, its watchdog waits for it to make room.
if (isWatched) process.exit();
