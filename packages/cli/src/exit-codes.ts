import type { ProblemCategory } from "@sluice/core";

/** What scripts may rely on; the words are those of `sluice --help`. */
export const exitCodes = {
  done: { code: 0, meaning: "done, or nothing to change" },
  failed: { code: 1, meaning: "failed" },
  usage: { code: 2, meaning: "usage or configuration invalid" },
  changesPending: { code: 3, meaning: "changes pending (plan, forecast)" },
  stillWaiting: { code: 4, meaning: "still waiting for a gate when --timeout ran out (says which)" },
  halted: { code: 5, meaning: "halted by health" },
  reverted: { code: 6, meaning: "reverted" },
  refused: { code: 7, meaning: "refused by a freeze, window, or role" },
  unreachable: { code: 8, meaning: "coordinator or host unreachable" },
} as const;

export type ExitName = keyof typeof exitCodes;

export const exitCode = (name: ExitName): number => exitCodes[name].code;

const byCategory: Readonly<Record<ProblemCategory, ExitName>> = {
  invalid: "usage",
  // The operator named something that does not exist.
  "not-found": "usage",
  conflict: "failed",
  refused: "refused",
  unavailable: "unreachable",
  timeout: "unreachable",
  corrupt: "failed",
  internal: "failed",
};

/** How a failure of this category ends a verb. */
export const exitForCategory = (category: ProblemCategory): ExitName => byCategory[category];

/** From worst to best, for verbs that follow several rollouts. */
const severity: readonly ExitName[] = [
  "unreachable",
  "failed",
  "reverted",
  "halted",
  "refused",
  "usage",
  "stillWaiting",
  "changesPending",
  "done",
];

/** The one exit that stands for several; `done` when there are none. */
export function worstExit(exits: readonly ExitName[]): ExitName {
  return severity.find((exit) => exits.includes(exit)) ?? "done";
}

/** The table as printed under `sluice --help`. */
export function exitCodeTable(): string {
  const rows = Object.values(exitCodes).map(({ code, meaning }) => `  ${code}  ${meaning}`);
  return `Exit codes:\n${rows.join("\n")}`;
}
