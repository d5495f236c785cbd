import { mutationsOf } from "../mutation.ts";

/** Faults in the decisions about turns to reboot. */
export const rebootMutations = [
  ...mutationsOf("reboots/plan-turn.ts", [
    {
      name: "takes a host for rebooted that runs by the same boot",
      find: "if (boot.id !== order?.bootId) return returned;",
      put: "if (boot.id === order?.bootId) return returned;",
    },
    {
      name: "lets a host go that is not drained",
      find: "|| !isReady ||",
      put: "||",
    },
    {
      name: "lets a host go although something has come between",
      find: "obstacle !== undefined || !isReady",
      put: "!isReady",
      notSimulated:
        "what comes between begins in the seconds in which a host has its turn and is drained: in no history of 2,500",
    },
    {
      name: "gives a turn back while its host may be about to reboot",
      find: "isSameBoot && upToDate && !hasBegun",
      put: "isSameBoot && upToDate",
      notSimulated: "a rollout would have to end in the second in which its host has its order and has not begun by it",
    },
    {
      name: "forgets that a host is away when its rollout ends",
      find: "if (lease.grantedAt !== undefined) return planAway",
      put: "if (lease.grantedAt !== undefined && isWanted) return planAway",
      notSimulated: "a rollout would have to end while its host is away, and the next host be let go in those minutes",
    },
  ]),
  ...mutationsOf("rollout/settle-reboots.ts", [
    {
      name: "waits for ever for a host that reboots",
      find: "return now >= turn.until ? { ...failed",
      put: "return now < 0 ? { ...failed",
    },
  ]),
  ...mutationsOf("rollout/plan-halted.ts", [
    {
      name: "leaves hosts on their turn when a reboot has stopped",
      find: 'step.kind === "activating" ? { kind: "withdrawing", grant: step.grant, since: now } : step];\n    }),\n  );\n}\n\n/** A revert',
      put: "step];\n    }),\n  );\n}\n\n/** A revert",
      notSimulated: "a rollout of reboots has one host at a time in its hands, and here that is the one that failed",
    },
  ]),
];
