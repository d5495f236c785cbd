import type {
  ActivationState,
  Instant,
  IntentMemory,
  ProgramChange,
  SiteDuties,
  StartedProxy,
  UnitRelease,
} from "@sluice/core";
import { activationStateSchema } from "@sluice/core/activation/activation-schema";
import { siteDutiesSchema, unitReleaseSchema } from "@sluice/core/intent/intent-schema";
import { programChangeSchema } from "@sluice/core/programs/program-change-schema";
import { certificateSetSchema } from "@sluice/core/proxying/certificate-schema";
import { z } from "zod";

/** What an agent has to remember to go on where it was: everything else is read from the processes of the host. */
export interface Ledger {
  readonly version: 1;
  /** Highest fence, newest generation and digest obeyed. */
  readonly memory: IntentMemory;
  /** By unit: the release that comes back after anything unplanned. */
  readonly proven: Readonly<Record<string, UnitRelease>>;
  /** By proxy or front: the certificates of its proven process, and of the one that was proven before. Absent: none. */
  readonly certificates?: Readonly<Record<string, ProvenCertificates>>;
  /** By grant id; ended ones stay until the coordinator has had time to read their outcome. */
  readonly activations: Readonly<Record<string, ActivationState>>;
  /** By grant id: grants for the agent's own program. Absent: none yet. */
  readonly agentChanges?: Readonly<Record<string, ProgramChange>>;
  /** The same for the keeper. */
  readonly keeperChanges?: Readonly<Record<string, ProgramChange>>;
  /** By grant id: grants taken back on the host itself, with who and why. */
  readonly revoked: Readonly<Record<string, string>>;
  /** By unit: what runs on purpose or by accident differs from the proven release and is left alone. */
  readonly drifts: Readonly<Record<string, Noted>>;
  /** Break-glass acts, newest last. */
  readonly localActs: readonly Noted[];
  /** By site: how it was looked after last; needed to end a site that the intent no longer names. */
  readonly duties: Readonly<Record<string, SiteDuties>>;
  /** By site: the release that was live before and may be started again until then. */
  readonly previous: Readonly<Record<string, { readonly release: UnitRelease; readonly until: Instant }>>;
  /** By unit: since when what runs is not what the fleet wants. */
  readonly pendingSince: Readonly<Record<string, Instant>>;
  /** Every process seen last, by slot or child id: when none of them is left, the host has restarted. */
  readonly processes: Readonly<Record<string, string>>;
  /** Window of the coordinator for reconnecting. */
  readonly reconnectAfterMs: number;
}

/** Copies of both are kept: a start without a grant begins with the first, a grant that goes back with the second. */
export interface ProvenCertificates {
  readonly proven: StartedProxy;
  readonly before?: StartedProxy;
}

export interface Noted {
  readonly sentence: string;
  readonly at: Instant;
}

/** Before the first coordinator has spoken: long enough not to stampede, short enough not to be noticed. */
const reconnectAfterMsDefault = 2_000;

export const emptyLedger: Ledger = {
  version: 1,
  memory: { maxFence: 0, generation: 0, digest: "" },
  proven: {},
  activations: {},
  revoked: {},
  drifts: {},
  localActs: [],
  duties: {},
  previous: {},
  pendingSince: {},
  processes: {},
  reconnectAfterMs: reconnectAfterMsDefault,
};

const at = z.number().transform((ms) => ms as Instant);
const noted = z.strictObject({ sentence: z.string(), at });

const started: z.ZodType<StartedProxy> = z.strictObject({ release: z.string(), certificates: certificateSetSchema });

/** The shape of {@link Ledger} on disk. */
export const ledgerSchema: z.ZodType<Ledger> = z.strictObject({
  version: z.literal(1),
  memory: z.strictObject({ maxFence: z.number(), generation: z.number(), digest: z.string() }),
  proven: z.record(z.string(), unitReleaseSchema),
  certificates: z
    .record(z.string(), z.strictObject({ proven: started, before: started.exactOptional() }))
    .exactOptional(),
  activations: z.record(z.string(), activationStateSchema),
  agentChanges: z.record(z.string(), programChangeSchema).exactOptional(),
  keeperChanges: z.record(z.string(), programChangeSchema).exactOptional(),
  revoked: z.record(z.string(), z.string()),
  drifts: z.record(z.string(), noted),
  localActs: z.array(noted),
  duties: z.record(z.string(), siteDutiesSchema),
  previous: z.record(z.string(), z.strictObject({ release: unitReleaseSchema, until: at })),
  pendingSince: z.record(z.string(), at),
  processes: z.record(z.string(), z.string()),
  reconnectAfterMs: z.number().nonnegative(),
});
