import type { ExitName } from "./exit-codes.ts";

/** Ends a verb with an exit code after everything has been said; not an error. */
export class ExitSignal extends Error {
  readonly exit: ExitName;

  constructor(exit: ExitName) {
    super(`exit ${exit}`);
    this.name = "ExitSignal";
    this.exit = exit;
  }
}
