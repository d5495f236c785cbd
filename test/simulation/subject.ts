import {
  deriveIntentBody,
  type EvidenceLog,
  type Judge,
  judgeByProbes,
  judgeIntent,
  judgeLead,
  type ProbeBatch,
  planRollout,
  withBatch,
} from "@sluice/core";

/** The decisions under test. The audit swaps one of them for a broken one and expects to be told. */
export interface Subject {
  readonly planRollout: typeof planRollout;
  readonly deriveIntentBody: typeof deriveIntentBody;
  readonly judgeIntent: typeof judgeIntent;
  readonly judgeLead: typeof judgeLead;
  readonly judge: Judge;
  readonly withBatch: (log: EvidenceLog, batch: ProbeBatch) => EvidenceLog;
  /** Ways in which the simulated agent itself can be broken. */
  readonly agent: AgentFaults;
  readonly coordinator: CoordinatorFaults;
}

export interface AgentFaults {
  readonly activatesDesired?: boolean;
  readonly bootsNewest?: boolean;
  readonly ignoresConfirmBy?: boolean;
  readonly switchesHalf?: boolean;
}

export interface CoordinatorFaults {
  readonly sendsBeforeSaving?: boolean;
  /** Takes a host for up to date when its intent has the newest text, whatever its generation. */
  readonly comparesTextOnly?: boolean;
  /** Judges a host by the coordinator's own fence instead of the one of the intent it was sent. */
  readonly comparesOwnFence?: boolean;
}

export const subject: Subject = {
  planRollout,
  deriveIntentBody,
  judgeIntent,
  judgeLead,
  judge: judgeByProbes,
  withBatch,
  agent: {},
  coordinator: {},
};
