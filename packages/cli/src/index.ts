export { type ExitName, exitCodes } from "./exit-codes.ts";
export { createProgram, runCli } from "./program.ts";
export type { Output, World } from "./world.ts";
