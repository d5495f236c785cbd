import type { ProgramChangeInput } from "@sluice/core";
import { keeperUnit } from "@sluice/core/intent/intent";
import { unitOf } from "@sluice/core/programs/program-change";
import { neverOverdue, neverWithdrawn, takenForConfirmed, withChange } from "./broken-programs.ts";
import type { BrokenSubject } from "./broken-subjects.ts";
import { type Subject, subject } from "./subject.ts";

/** Changes of agents are decided as they ought to be. */
const withKeeper = (
  name: string,
  caughtAs: RegExp,
  broken: (input: ProgramChangeInput) => ProgramChangeInput,
): BrokenSubject => withChange(name, caughtAs, (input) => (unitOf(input.state) === keeperUnit ? broken(input) : input));

const withFile = (name: string, caughtAs: RegExp, broken: Subject["planKeeperFile"]): BrokenSubject => ({
  name,
  caughtAs,
  subject: { ...subject, planKeeperFile: broken },
});

/** Changes of keepers that go wrong on purpose, one decision at a time. */
export const brokenKeepers: readonly BrokenSubject[] = [
  withKeeper("takes a keeper on trial for proven by itself", /^1:/, takenForConfirmed),
  withKeeper("keeps a keeper that has lost a socket", /^7:/, (input) =>
    input.facts.lost === undefined ? input : { ...input, facts: { ...input.facts, lost: [] } },
  ),
  withKeeper("believes a keeper that calls itself something else", /^7:/, (input) => ({
    ...input,
    ...(input.running === undefined ? {} : { running: { ...input.running, version: input.state.release.version } }),
  })),
  withKeeper("keeps a keeper on trial that was withdrawn", /^9:/, neverWithdrawn),
  withKeeper("keeps a keeper on trial beyond its confirm-by", /^9:/, neverOverdue),
  {
    name: "waits for ever for a keeper that hangs to hand back",
    caughtAs: /^(9|liveness):/,
    subject: {
      ...subject,
      planProgramChange: (input) => {
        const plan = subject.planProgramChange(input);
        const actions = plan.actions.filter(({ kind }) => kind !== "put-down");
        return { ...plan, actions };
      },
    },
  },
  withFile("forgets which keeper is proven", /^2:/, (input) => {
    const { proven: _, ...file } = subject.planKeeperFile(input);
    return file;
  }),
  withFile("starts the keeper that a new agent has brought", /^2:/, (input) =>
    subject.planKeeperFile({ ...input, isInstalledThere: false }),
  ),
];
