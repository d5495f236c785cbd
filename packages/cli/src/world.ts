import type pc from "picocolors";

/** Painters of text; each leaves it as it is where colours are not wanted. */
export type Colors = ReturnType<typeof pc.createColors>;

/** One of the two streams a verb may write to. */
export interface Output {
  readonly isTerminal: boolean;
  /** Characters in a line; absent when nobody can say. */
  readonly columns?: number;
  /** Lines on the screen; absent when nobody can say. */
  readonly rows?: number;
  write(text: string): void;
}

/**
 * Everything a verb may touch besides the coordinator. `main.ts` makes it of `process`; tests make their own.
 */
export interface World {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder in which relative paths begin. */
  readonly cwd: string;
  /** Who is recorded as the author of changes. */
  readonly user: string;
  /** Of this very process. */
  readonly pid: number;
  /** Starts this very process over if code had to be compiled for it. Absent where it is somebody else's. */
  readonly startOverCompiled?: () => void;
  /** What the watchdog said that started this very process; absent where none did. */
  readonly watchdog?: { readonly digest?: string; readonly trial?: string; readonly giveSign?: () => void };
  /** Turns this very process into the watchdog that starts it anew with the same command line. Absent where it is somebody else's. */
  readonly becomeWatchdog?: (dataDir: string) => void;
  /** True when somebody is there to answer a question. */
  readonly canAsk: boolean;
  readonly colors: Colors;
  /** Milliseconds since 1970, for time stamps and countdowns. */
  now(): number;
  /** `14:03:59` of an instant, in the operator's time zone. */
  clock(atMs: number): string;
  /** Answers with the line typed. */
  ask(question: string): Promise<string>;
  /** Calls `listener` when the operator presses Ctrl-C or the program is asked to end, until disposed. */
  onInterrupt(listener: () => void): Disposable;
}

/** Prints one line for people: on stdout, or on stderr when stdout belongs to JSON. */
export function say(world: World, json: boolean, line: string): void {
  (json ? world.stderr : world.stdout).write(`${line}\n`);
}

/** Prints one JSON document on a line of its own; what is one of several kinds says so in `kind`, as everywhere else. */
export function sayJson(world: World, document: unknown): void {
  world.stdout.write(`${JSON.stringify(document, (_, value: unknown) => (isChoice(value) ? kindOf(value) : value))}\n`);
}

/** How generated code writes a `oneof`. */
interface Choice {
  readonly $case: string;
  readonly value: unknown;
}

const isChoice = (value: unknown): value is Choice =>
  typeof value === "object" && value !== null && "$case" in value && "value" in value;

const kindOf = ({ $case, value }: Choice): object => ({
  kind: $case,
  ...(typeof value === "object" ? value : { value }),
});
