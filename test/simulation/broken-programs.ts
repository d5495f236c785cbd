import { instant, type ProgramChangeInput, planProgramChange, planProgramFile } from "@sluice/core";
import type { BrokenSubject } from "./broken-subjects.ts";
import { subject } from "./subject.ts";

const never = instant(Number.MAX_SAFE_INTEGER);

type BreakInput = (input: ProgramChangeInput) => ProgramChangeInput;

export const withChange = (name: string, caughtAs: RegExp, broken: BreakInput): BrokenSubject => ({
  name,
  caughtAs,
  subject: { ...subject, planProgramChange: (input) => planProgramChange(broken(input)) },
});

/** What is on trial counts as confirmed though nobody has said so. */
export const takenForConfirmed: BreakInput = (input) =>
  input.state.phase === "provisional" && input.word.kind === "held" ? { ...input, word: { kind: "confirmed" } } : input;

export const neverWithdrawn: BreakInput = (input) =>
  input.word.kind === "withdrawn" ? { ...input, word: { kind: "held", grant: input.state.grant } } : input;

export const neverOverdue: BreakInput = (input) => {
  const { word, state } = input;
  const grant = { ...state.grant, confirmBy: never };
  return { ...input, state: { ...state, grant }, ...(word.kind === "held" ? { word: { ...word, grant } } : {}) };
};

/** Changes of agents that go wrong on purpose, one decision at a time. */
export const brokenPrograms: readonly BrokenSubject[] = [
  withChange("takes a program on trial for proven by itself", /^1:/, takenForConfirmed),
  withChange("tries a program that calls itself something else", /^7:/, (input) => ({
    ...input,
    facts:
      input.facts.saidVersion === undefined
        ? input.facts
        : { ...input.facts, saidVersion: input.state.release.version },
  })),
  withChange("keeps a program on trial that was withdrawn", /^9:/, neverWithdrawn),
  withChange("keeps a program on trial beyond its confirm-by", /^9:/, neverOverdue),
  {
    name: "names a program on trial as the one to be started",
    caughtAs: /^(2|programs):/,
    subject: {
      ...subject,
      planProgramFile: (input) => {
        const plan = planProgramFile(input);
        const { trial } = plan.file;
        if (trial === undefined) return plan;
        const { digest, release } = trial;
        return { ...plan, file: { ...plan.file, proven: { digest, release } } };
      },
    },
  },
  {
    name: "forgets in a restart which program is proven",
    caughtAs: /^2:/,
    subject: {
      ...subject,
      planProgramFile: (input) => {
        const plan = planProgramFile(input);
        const { proven: _, ...file } = plan.file;
        return { ...plan, file };
      },
    },
  },
];
