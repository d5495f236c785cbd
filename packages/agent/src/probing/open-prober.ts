import type { DurationMs, ProbeOutcome, ProbeResult, SiteDuties } from "@sluice/core";
import { durationMs } from "@sluice/core/units/time";
import type { Clock, Ids } from "@sluice/runtime";
import type { Prober, ProbeTarget } from "../drivers.ts";
import type { Answer } from "./answer.ts";
import { ask } from "./ask.ts";
import { askEdge } from "./ask-edge.ts";
import { inParallel } from "./in-parallel.ts";
import { judgeAnswer } from "./judge-answer.ts";
import { Places } from "./places.ts";
import { planQuestions } from "./plan-questions.ts";
import { probeName, type Question } from "./question.ts";
import { type Trust, trustOf } from "./trust.ts";

export interface ProberOptions {
  /** The host whose agent asks; an answer that names another one says nothing about this. */
  readonly host: string;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  readonly ids: Ids;
  /** PEM file of further roots that bindings' certificates may come from. */
  readonly caFile?: string;
  /** Accepts certificates nobody vouches for; for fleets on one machine and tests. Names and dates must still be right. */
  readonly acceptSelfSigned?: boolean;
}

/** Questions of one round under way at once: a round is soon over, and a site is not flooded by its own probes. */
const concurrencyMax = 8;

/** Questions under way at once over all rounds of all sites: a host with many sites is no load to itself. */
const underWayMax = 64;

/** Asks every binding under its own name, over any hop. See {@link Prober}. */
export function openProber(options: ProberOptions): Prober {
  const trust = trustOf(options);
  const places = new Places(underWayMax);
  return {
    round: (duties, target, signal) => round({ ...options, trust, places, signal }, duties, target),
  };
}

interface Round extends ProberOptions {
  readonly trust: Trust;
  readonly places: Places;
  readonly signal: AbortSignal;
}

async function round(of: Round, duties: SiteDuties, target: ProbeTarget): Promise<readonly ProbeResult[]> {
  const questions = planQuestions(duties, target, () => of.ids.newId("probe"));
  return inParallel(questions, concurrencyMax, (question) => of.places.within(() => answerQuestion(of, question)));
}

interface Judged {
  readonly outcome: ProbeOutcome;
  readonly release?: string;
}

async function answerQuestion(of: Round, question: Question): Promise<ProbeResult> {
  const at = of.clock.now();
  const startedAt = of.clock.monotonic();
  const elapsedMs = (): DurationMs => durationMs(Math.round(of.clock.monotonic() - startedAt));
  const judged = await judge(of, question, elapsedMs);
  return {
    host: of.host,
    site: question.site,
    ...{ binding: question.binding, bindingPort: question.bindingPort },
    hop: question.hop,
    probe: probeName(question.probe),
    at,
    tookMs: elapsedMs(),
    ...judged,
  };
}

function judge(of: Round, question: Question, elapsedMs: () => DurationMs): Promise<Judged> {
  const askOnce = () => ask(question, { trust: of.trust, signal: of.signal, nowMs: () => of.clock.now() });
  if (question.hop === "edge") return askEdge(question, of.host, askOnce, elapsedMs);
  return askOnce().then((answer) => judgeHere(of.host, question, answer));
}

/** On a hop of our own whoever else answers is in the wrong place: that port or socket does not lead where it should. */
function judgeHere(host: string, question: Question, answer: Answer): Judged {
  const servedBy = answer.kind === "answered" ? answer.servedBy : undefined;
  if (servedBy !== undefined && (servedBy.host !== host || servedBy.site !== question.site)) {
    const reason = `answered by ${servedBy.site} on host ${servedBy.host}, expected ${question.site} on ${host}`;
    return { outcome: { kind: "bad", reason }, release: servedBy.release };
  }
  const release = question.release ?? servedBy?.release;
  const outcome = judgeAnswer(answer, question.probe);
  return answer.kind === "answered" && release !== undefined ? { outcome, release } : { outcome };
}
