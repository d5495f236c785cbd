import { interruptAll } from "@sluice/agent/activation/interrupt-all";
import type { Ledger } from "@sluice/agent/ledger/ledger";
import { planFrontUpkeep, planSiteUpkeep } from "@sluice/agent/reconcile/plan-upkeep";
import { settleLedger } from "@sluice/agent/reconcile/settle-ledger";
import {
  deriveIntentBody,
  describeTurn,
  feedEvidence,
  type Intent,
  judgeIntent,
  judgeLead,
  judgeTests,
  planActivation,
  planProgramChange,
  planProgramFile,
  planRollout,
  planTurn,
  rebootObstacle,
  testHost,
} from "@sluice/core";
import { planKeeperFile } from "@sluice/core/programs/plan-keeper-file";
import { judgeLateHost } from "@sluice/core/rollout/judge-late-host";

/** The decisions under test. The audit swaps one of them for a broken one and expects to be told. */
export interface Subject {
  readonly planRollout: typeof planRollout;
  readonly deriveIntentBody: typeof deriveIntentBody;
  readonly judgeIntent: typeof judgeIntent;
  readonly judgeLead: typeof judgeLead;
  readonly judgeLateHost: typeof judgeLateHost;
  readonly testHost: typeof testHost;
  readonly feedEvidence: typeof feedEvidence;
  readonly judgeTests: typeof judgeTests;
  readonly planTurn: typeof planTurn;
  readonly describeTurn: typeof describeTurn;
  readonly rebootObstacle: typeof rebootObstacle;
  readonly planActivation: typeof planActivation;
  readonly planProgramChange: typeof planProgramChange;
  readonly planProgramFile: typeof planProgramFile;
  readonly planKeeperFile: typeof planKeeperFile;
  readonly planSiteUpkeep: typeof planSiteUpkeep;
  readonly planFrontUpkeep: typeof planFrontUpkeep;
  readonly settleLedger: typeof settleLedger;
  readonly interruptAll: typeof interruptAll;
  /** What is kept running without a grant. */
  readonly provenOf: (ledger: Ledger, intent: Intent | undefined) => Ledger["proven"];
  readonly coordinator: CoordinatorFaults;
  readonly agent: AgentFaults;
}

export interface AgentFaults {
  /** Goes on as if it had written what there was no room for. */
  readonly ignoresFullDisk?: boolean;
}

export interface CoordinatorFaults {
  readonly sendsBeforeSaving?: boolean;
  /** Takes a host for up to date when its intent has the newest text, whatever its generation. */
  readonly comparesTextOnly?: boolean;
  /** Judges a host by the coordinator's own fence instead of the one of the intent it was sent. */
  readonly comparesOwnFence?: boolean;
  /** Sends intents that there was no room for in its store. */
  readonly ignoresFullDisk?: boolean;
}

export const subject: Subject = {
  planRollout,
  deriveIntentBody,
  judgeIntent,
  judgeLead,
  judgeLateHost,
  testHost,
  feedEvidence,
  judgeTests,
  planTurn,
  describeTurn,
  rebootObstacle,
  planActivation,
  planProgramChange,
  planProgramFile,
  planKeeperFile,
  planSiteUpkeep,
  planFrontUpkeep,
  settleLedger,
  interruptAll,
  provenOf: ({ proven }) => proven,
  coordinator: {},
  agent: {},
};
