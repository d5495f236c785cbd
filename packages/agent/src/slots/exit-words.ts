import { logTail } from "./log-tail.ts";

/** As much of a log as fits under an operator's eyes. */
const linesMax = 5;

/** How a process ended, in words; both absent when it was not our keeper's own child. */
export function exitWords(exit: { readonly code: number | null; readonly signal: string | null } | null): string {
  if (exit?.signal) return `was ended by ${exit.signal}`;
  return exit?.code === undefined || exit.code === null ? "ended, nobody saw how" : `exited with code ${exit.code}`;
}

/** The end of a child's log as part of a sentence. */
export async function lastWords(dataDir: string, childId: string, offset: number): Promise<string> {
  const lines = await logTail(dataDir, childId, offset, linesMax);
  return lines.length === 0 ? "its log is empty" : `its log ends with: ${lines.join(" ⏎ ")}`;
}
