import type { PlanInput } from "./plan-input.ts";
import type { WaitingOn } from "./rollout.ts";

/** A host whose agent has spoken before. */
export interface KnownSight {
  readonly host: string;
  /** It was heard of within the grace. */
  readonly connected: boolean;
}

/**
 * How much of its fleet a coordinator sees. A silent host of `away`, from which nobody expects a word, counts neither as one of the
 * fleet nor as silent: it tells nothing about the line.
 */
export function sightOf(known: readonly KnownSight[], away: ReadonlySet<string>): NonNullable<PlanInput["fleet"]> {
  const expected = known.filter(({ host, connected }) => connected || !away.has(host));
  return { hosts: expected.length, silent: expected.filter(({ connected }) => !connected).length };
}

/** Share of the fleet that may be silent before the coordinator doubts itself rather than the hosts (design §7). */
const silentShareMax = 0.3;

/**
 * The coordinator cannot tell a fleet that died from a line that was cut, so it freezes. One silent host is never
 * blindness: in a fleet of three it would be a third.
 */
export function blindness(input: Pick<PlanInput, "fleet">): WaitingOn | undefined {
  const { fleet } = input;
  if (fleet === undefined || fleet.silent < 2 || fleet.silent <= fleet.hosts * silentShareMax) return undefined;
  return {
    kind: "blind",
    sentence: `${fleet.silent} of ${fleet.hosts} hosts are silent at once: the coordinator takes itself for blind and decides nothing by silence`,
    hosts: [],
  };
}
