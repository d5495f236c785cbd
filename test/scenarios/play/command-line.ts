/** A command of a scenario: words in their order, and options by name. */
export interface CommandLine {
  readonly text: string;
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

/** A command that cannot be carried out as it is written: the script is wrong, not the fleet. */
export class ScriptError extends Error {}

/** Reads `deploy shop 2 --reason "a reason"`; an option without a value is `yes`. */
export function parseCommandLine(text: string): CommandLine {
  const tokens = [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
  const words: string[] = [];
  const options: Record<string, string> = {};
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] ?? "";
    if (!token.startsWith("--")) {
      words.push(token);
      continue;
    }
    const next = tokens[index + 1];
    const hasValue = next !== undefined && !next.startsWith("--");
    options[token.slice(2)] = hasValue ? next : "yes";
    if (hasValue) index++;
  }
  return { text, words, options };
}

/** Throws when the command has an option that it does not know: a slip of the pen would silently play another story. */
export function assertOptions({ text, options }: CommandLine, known: readonly string[]): void {
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown === undefined) return;
  const legal = known.length === 0 ? "it takes none" : `it takes ${known.map((one) => `--${one}`).join(", ")}`;
  throw new ScriptError(`cannot play '> ${text}': it has no option --${unknown}; ${legal}`);
}
