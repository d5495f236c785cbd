import { describeTurn, planRollout, planTurn, type TurnInput } from "@sluice/core";
import type { BrokenSubject } from "./broken-subjects.ts";
import { subject } from "./subject.ts";

const withTurns = (name: string, broken: (input: TurnInput) => TurnInput): BrokenSubject => ({
  name,
  caughtAs: /^reboot:/,
  subject: {
    ...subject,
    planTurn: (input) => planTurn(broken(input)),
    describeTurn: (input) => describeTurn(broken(input)),
  },
});

/** Turns to reboot that are given or taken for over on purpose when they must not be. */
export const brokenTurns: readonly BrokenSubject[] = [
  withTurns("lets hosts reboot that users are still led to", (input) => ({
    ...input,
    drain: { phase: "drained", sentence: "broken on purpose" },
  })),
  withTurns("takes a host for back that has not rebooted", ({ boot, ...input }) => ({
    ...input,
    ...(boot === undefined ? {} : { boot: { ...boot, id: boot.order === undefined ? boot.id : "another" } }),
  })),
  withTurns("takes a host for back before it runs what is proven", (input) => ({
    ...input,
    returned: { ...input.returned, notRunning: [], unhealthy: [] },
  })),
  {
    name: "lets another host go while one stays away",
    caughtAs: /^reboot:/,
    subject: {
      ...subject,
      rebootObstacle: () => undefined,
      planRollout: ({ drained: _, ...input }) => planRollout(input),
    },
  },
  {
    name: "changes hosts that have their turn to reboot",
    caughtAs: /^(reboot|maxUnavailable|5|9):/,
    subject: {
      ...subject,
      planRollout: ({ drained: _, ...input }) =>
        planRollout(
          input.rollout.kind === "reboot"
            ? input
            : { ...input, others: { ...input.others, busyUnits: {}, unavailable: {} } },
        ),
    },
  },
];
