import type { SiteDuties } from "../intent/intent.ts";
import type { Hop, ProbeOutcome, ProbeResult } from "../probing/probe-result.ts";

/** How often a required probe must fail in a row before it counts as failing: one bad answer may be chance, three are not. */
export const badProbesInRowMax = 3;

/** One question that has to be answered well: a binding, a hop and a probe. */
export interface ProbeQuestion {
  readonly site: string;
  readonly binding: string;
  readonly hop: Hop;
  readonly probe: string;
}

/** What was answered so far to one question, newest last; unknown results change neither run. */
export interface ProbeRun extends ProbeQuestion {
  readonly goodInRow: number;
  readonly badInRow: number;
  readonly lastBad?: string;
  readonly lastUnknown?: string;
}

/** Runs by question; starts empty with every phase that probes. */
export type ProbeTally = Readonly<Record<string, ProbeRun>>;

export const questionKey = ({ site, binding, hop, probe }: ProbeQuestion): string =>
  [site, binding, hop, probe].join(" ");

const rank = { good: 0, unknown: 1, bad: 2 } as const satisfies Record<ProbeOutcome["kind"], number>;

/** Adds one round. A binding on several ports answers a question several times: the worst answer counts. */
export function tallyRound(tally: ProbeTally, round: readonly ProbeResult[]): ProbeTally {
  const worst = new Map<string, ProbeResult>();
  for (const result of round) {
    const key = questionKey(result);
    const known = worst.get(key);
    if (known === undefined || rank[result.outcome.kind] > rank[known.outcome.kind]) worst.set(key, result);
  }
  const added = [...worst].map(([key, result]) => [key, continueRun(tally[key], result)] as const);
  return { ...tally, ...Object.fromEntries(added) };
}

function continueRun(run: ProbeRun | undefined, { site, binding, hop, probe, outcome }: ProbeResult): ProbeRun {
  const so: ProbeRun = run ?? { site, binding, hop, probe, goodInRow: 0, badInRow: 0 };
  switch (outcome.kind) {
    case "good":
      return { ...so, goodInRow: so.goodInRow + 1, badInRow: 0 };
    case "bad":
      return { ...so, goodInRow: 0, badInRow: so.badInRow + 1, lastBad: outcome.reason };
    case "unknown":
      return { ...so, lastUnknown: outcome.reason };
  }
}

/** Every question that `duties` want answered on one hop of the site. */
export function questionsOn(
  duties: SiteDuties,
  hop: "slot" | "proxy" | "front" | "listener" | "edge",
): readonly ProbeQuestion[] {
  return duties.bindings.flatMap((binding) => {
    if (hop === "front" && !binding.shared) return [];
    if (hop === "edge" && (binding.kind !== "public" || binding.edge === undefined)) return [];
    const seenOn: Hop = hop === "listener" ? (binding.shared ? "front" : "proxy") : hop;
    return duties.probes.map(({ method, path }) => ({
      site: duties.site,
      binding: binding.name,
      hop: seenOn,
      probe: `${method} ${path}`,
    }));
  });
}

export type TallyVerdict =
  | { readonly kind: "good" }
  | { readonly kind: "bad"; readonly sentence: string }
  /** Questions without a good newest answer yet, in words. */
  | { readonly kind: "open"; readonly missing: readonly string[]; readonly edgeOnly: boolean };

/** Judges the required questions: bad once one failed three times in a row, good once each was answered well last. */
export function judgeTally(tally: ProbeTally, questions: readonly ProbeQuestion[]): TallyVerdict {
  const runs = questions.map((question) => ({ question, run: tally[questionKey(question)] }));
  const failing = runs.find(({ run }) => (run?.badInRow ?? 0) >= badProbesInRowMax);
  if (failing !== undefined) return { kind: "bad", sentence: failingSentence(failing.question, failing.run) };
  const open = runs.filter(({ run }) => (run?.goodInRow ?? 0) === 0);
  if (open.length === 0) return { kind: "good" };
  const edgeOnly = open.every(({ question, run }) => question.hop === "edge" && (run?.badInRow ?? 0) === 0);
  return { kind: "open", missing: open.map(({ question, run }) => openSentence(question, run)), edgeOnly };
}

function failingSentence({ binding, hop }: ProbeQuestion, run: ProbeRun | undefined): string {
  return `${binding} via ${hop} ${run?.lastBad ?? "failed"}, ${run?.badInRow ?? 0} times in a row`;
}

function openSentence({ binding, hop, probe }: ProbeQuestion, run: ProbeRun | undefined): string {
  const asked = `${probe} of ${binding} via ${hop}`;
  if (run === undefined) return `${asked} is not answered yet`;
  if (run.badInRow > 0) return `${asked} ${run.lastBad}`;
  return `${asked} has no answer of this host: ${run.lastUnknown ?? "not asked"}`;
}
