import type { Instant } from "@sluice/core/units/time";
import { z } from "zod";

const instant = z.number().transform((at) => at as Instant);

/** Also a file name below `logs/`, hence the narrow alphabet. */
export const childId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/, "letters, digits, '.', '_' and '-', at most 80");
export const socketName = z.string().regex(/^[^/\0]{1,128}$/, "1 to 128 characters without '/'");

export const socketSpec = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("tcp"), address: z.string().min(1), port: z.int().min(0).max(65_535) }),
  z.strictObject({ kind: z.literal("unix"), path: z.string().startsWith("/") }),
]);
/** What to bind; port 0 lets the kernel choose, and what it chose stays. */
export type SocketSpec = z.infer<typeof socketSpec>;

export const childSpec = z.strictObject({
  command: z.string().min(1),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  cwd: z.string().startsWith("/"),
  sockets: z.array(z.string()),
  restart: z.enum(["never", "on-exit"]),
  stopSignal: z.enum(["SIGTERM", "SIGUSR1"]).exactOptional(),
});
/** What to run. `sockets` become fd 3, 4, … in that order. `env` is laid over the keeper's PATH, HOME, LANG, TZ, TMPDIR and USER. `stopSignal` (SIGTERM where absent) asks it to end. */
export type ChildSpec = z.infer<typeof childSpec>;

const orphaned = { orphaned: z.literal(true).optional(), heldBy: z.array(z.string()).optional() };
export const keptSocket = z.discriminatedUnion("kind", [
  z.object({ name: z.string(), kind: z.literal("tcp"), address: z.string(), port: z.number(), ...orphaned }),
  z.object({ name: z.string(), kind: z.literal("unix"), path: z.string(), ...orphaned }),
]);
/** `orphaned`: bound by a keeper that died; only the children in `heldBy` hold it, and it can't be given to others until they are gone. */
export type KeptSocket = z.infer<typeof keptSocket>;

export const childExit = z.object({
  /** Both null when `adopted`: only a parent learns how a process ended. */
  code: z.number().nullable(),
  signal: z.string().nullable(),
  at: instant,
  adopted: z.boolean(),
});
export type ChildExit = z.infer<typeof childExit>;

export const keptChild = z.object({
  id: z.string(),
  /** `restarting`: gone, and started again at `retryAt`. `exited`: gone for good. `removing`: told to go. */
  phase: z.enum(["running", "restarting", "exited", "removing"]),
  pid: z.number().nullable(),
  startedAt: instant.nullable(),
  retryAt: instant.nullable(),
  /** Started by an earlier keeper, so watched by polling. */
  adopted: z.boolean(),
  restarts: z.number(),
  lastExit: childExit.nullable(),
  command: z.string(),
  args: z.array(z.string()),
  cwd: z.string(),
  sockets: z.array(z.string()),
  restart: z.enum(["never", "on-exit"]),
});
/** Everything about a child but its environment, which may hold secrets. */
export type KeptChild = z.infer<typeof keptChild>;

export const keeperProgram = z.object({
  /** Digest of the keeper's release; of what was installed by hand, of its version. */
  release: z.string(),
  /** The file that Node was started with, where it really is. */
  file: z.string(),
  /** The grant that it was started on trial for. */
  trial: z.string().optional(),
});
/** Which program a keeper runs, by its own word. */
export type KeeperProgram = z.infer<typeof keeperProgram>;

export const keeperStatus = z.object({
  /** What the keeper calls itself. */
  build: z.string(),
  /** Absent: a keeper from before there were releases of it. */
  program: keeperProgram.optional(),
  pid: z.number(),
  startedAt: instant,
  sockets: z.array(keptSocket),
  children: z.array(keptChild),
  /** What is unusual, in sentences: a corrupt state file, state that could not be written. */
  remarks: z.array(z.string()),
});
export type KeeperStatus = z.infer<typeof keeperStatus>;

export const keeperStateFile = z.object({ digest: z.string().optional() });
/** What the keeper's state file has to hold. */
export type KeeperStateFile = z.infer<typeof keeperStateFile>;

export const childWait = z.object({ exited: z.boolean(), child: keptChild });
/** `exited` false: the time was up. */
export type ChildWait = z.infer<typeof childWait>;

export const handoverDone = z.object({ pid: z.number(), build: z.string() });
export type HandoverDone = z.infer<typeof handoverDone>;

export const keeperEvent = z.discriminatedUnion("kind", [
  /** The first line: from here on no event is missed. */
  z.object({ kind: z.literal("subscribed"), pid: z.number() }),
  z.object({ kind: z.literal("child-started"), id: z.string(), pid: z.number(), at: instant, restarts: z.number() }),
  z.object({
    kind: z.literal("child-exited"),
    id: z.string(),
    pid: z.number(),
    exit: childExit,
    willRestart: z.boolean(),
  }),
]);
export type KeeperEvent = z.infer<typeof keeperEvent>;

export const signalOrder = z.strictObject({
  signal: z.enum([
    "SIGTERM",
    "SIGINT",
    "SIGHUP",
    "SIGQUIT",
    "SIGUSR1",
    "SIGUSR2",
    "SIGSTOP",
    "SIGCONT",
    "SIGKILL",
    "SIGABRT",
  ]),
});
export type ChildSignal = z.infer<typeof signalOrder>["signal"];
export const removeOrder = z.strictObject({ graceMs: z.int().min(0).default(10_000) });
export const handoverOrder = z.strictObject({ command: z.string().min(1), args: z.array(z.string()) });
