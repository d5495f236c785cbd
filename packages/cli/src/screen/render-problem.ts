import { describeProblem } from "@sluice/core/problems/describe-problem";
import type { World } from "../world.ts";

/** The sentence, the chain of causes and the hint, each on its own line. Stacks only when SLUICE_DEBUG is set. */
export function renderProblem(world: World, error: unknown): string {
  const words = `${world.colors.red("error:")} ${describeProblem(error)}`;
  if (!isDebugging(world) || !(error instanceof Error) || error.stack === undefined) return words;
  return `${words}\n${error.stack}`;
}

function isDebugging(world: World): boolean {
  const value = world.env["SLUICE_DEBUG"];
  return value !== undefined && value !== "" && value !== "0";
}
