import type { ProbeOutcome } from "../probing/probe-result.ts";
import type { Instant } from "../units/time.ts";
import type { ProbeStratum } from "./tested-stratum.ts";
import type { TrafficBlock } from "./traffic-block.ts";

/** A {@link TrafficBlock} with the host that counted it. */
export interface HostTraffic {
  readonly host: string;
  readonly block: TrafficBlock;
}

/**
 * How one host answered one probe of one round. A round asks the same of all hosts in the same second; its `round` is that
 * second by the coordinator's clock, so that answers of different hosts meet. Its identity is host, stratum and round.
 */
export interface ProbeAnswer {
  readonly host: string;
  readonly stratum: ProbeStratum;
  readonly round: Instant;
  readonly outcome: ProbeOutcome;
}

/**
 * What is fed to the tests at once: everything that was counted from some moment on, on all hosts, changed or not. A block or
 * round that was fed before is left out by the tests themselves, so that it does no harm to hand over too much.
 */
export interface FedEvidence {
  readonly traffic: readonly HostTraffic[];
  /**
   * Blocks that start before this are all in, as far as one waits for them; later ones are left for the next time. A block
   * that comes in after its time has passed is lost for the tests.
   */
  readonly trafficUntil: Instant;
  readonly probes: readonly ProbeAnswer[];
  /** The same for rounds. */
  readonly probesUntil: Instant;
}

/** What is known from before a change: the last 24 hours of the host and of every host it is compared with. */
export interface HistoryEvidence {
  readonly traffic: readonly HostTraffic[];
  readonly probes: readonly ProbeAnswer[];
}
