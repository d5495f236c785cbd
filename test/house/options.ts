import { Command, InvalidArgumentError } from "commander";

/** A script of this project with its options: wrong usage says what was wanted and ends with 2, `--help` with 0. */
export function script(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .showHelpAfterError("(--help says more)")
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("wanted a whole number");
  return Number(text);
}

export function countFrom1(text: string): number {
  if (wholeNumber(text) < 1) throw new InvalidArgumentError("wanted a whole number from 1");
  return Number(text);
}
