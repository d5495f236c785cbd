import {
  type Instant,
  type ProbeQuestion,
  type ProbeResult,
  type ProbeRoundOrder,
  questionsOn,
  type SiteDuties,
  sameJson,
} from "@sluice/core";
import type { History } from "./history.ts";
import type { Asked, ProbedRound } from "./report.ts";
import type { ProxyProcess, SimMachine, SlotProcess, Way } from "./sim-machine.ts";
import { pairOf } from "./sim-pairs.ts";

type Hop = ProbeRoundOrder["target"]["hop"];

/** How long a release that turns bad while it soaks behaves, and one that does so only after it has passed. */
const soundMs = { "bad-later": 8000, "misses-binding-later": 8000, "bad-after-soak": 45_000 } as const;

/** What a site answers while something that it needs is away. */
const unavailable = { kind: "bad", status: 503, reason: "answered 503, expected 200" } as const;

/** Asks the sites of one simulated host; every answer follows from the processes on the way. Remembers what was really answered. */
export class SimProber {
  /** Counted so far, by `digest|binding|hop`; what was answered as before is added when somebody asks. */
  readonly #goodResults = new Map<string, number>();
  /** Users' ways by `site hop`, for as long as nothing can answer otherwise. */
  readonly #steady = new Map<string, SteadyAnswers>();
  #last: LastRound | undefined;
  /** Bindings that a process answered well for before users could reach it, by `process|binding`. */
  readonly goodBefore = new Set<string>();
  readonly #history: History;
  readonly #host: string;
  readonly #machine: SimMachine;

  constructor(history: History, host: string, machine: SimMachine) {
    this.#history = history;
    this.#host = host;
    this.#machine = machine;
  }

  /** One round of probes, as the order says. */
  round(duties: SiteDuties, { target }: ProbeRoundOrder, at: Instant): readonly ProbeResult[] {
    const way = this.#way(duties.site, target);
    return questionsOf(duties, target.hop).map((question) => {
      const outcome = this.#isOut(duties.site) ? unavailable : this.#ask(way, target.hop, question);
      if (outcome.kind === "good") this.#note(way, target, question);
      const release = way?.slot?.digest;
      return { ...question, host: this.#host, at, tookMs: 3, outcome, ...(release === undefined ? {} : { release }) };
    });
  }

  /** What users of every site would be answered at this moment. */
  usersWays(sites: readonly SiteDuties[], at: Instant): readonly ProbeResult[] {
    return sites.flatMap((duties) =>
      (["listener", "edge"] as const).flatMap((hop) => this.round(duties, { site: duties.site, target: { hop } }, at)),
    );
  }

  #isOut(site: string): boolean {
    return this.#history.outages?.has(`${this.#host}|${site}`) === true;
  }

  /** Good results of users' ways that a release took part in, by `digest|binding|hop`. */
  get goodResults(): ReadonlyMap<string, number> {
    for (const steady of this.#steady.values()) this.#countRepeats(steady);
    return this.#goodResults;
  }

  /** One round on every way of users. Where nothing can answer otherwise than in the round before, nothing is asked again. */
  usersRound(sites: Readonly<Record<string, SiteDuties>>): ProbedRound["answers"] {
    const last = this.#last;
    const { time } = this.#history;
    const isSteady = last?.sites === sites && last.changes === this.#machine.changes && time.now < last.until;
    if (!isSteady) return this.#roundOf(sites, () => this.#leadsElsewhere("edge"));
    const led = this.#drawEdges(last.edges);
    if (led !== undefined) return this.#roundOf(sites, () => led.shift() === true);
    for (const steady of last.steady) steady.repeats++;
    return last.answers;
  }

  /** Whether each of so many questions through the edge is led elsewhere; undefined: none is. */
  #drawEdges(count: number): boolean[] | undefined {
    let led: boolean[] | undefined;
    for (let index = 0; index < count; index++) {
      if (!this.#leadsElsewhere("edge")) continue;
      led ??= new Array<boolean>(count).fill(false);
      led[index] = true;
    }
    return led;
  }

  #roundOf(sites: Readonly<Record<string, SiteDuties>>, isLed: () => boolean): ProbedRound["answers"] {
    const steady: SteadyAnswers[] = [];
    const answers: Record<string, readonly Asked[]> = {};
    for (const [site, duties] of Object.entries(sites)) {
      const [listener, edge] = [this.#usersAnswers(duties, "listener"), this.#usersAnswers(duties, "edge")];
      steady.push(listener, edge);
      const led = edge.asked.map((asked) => (isLed() ? { ...asked, outcome: elsewhere } : asked));
      for (const one of [listener, edge]) one.repeats++;
      led.forEach((asked, index) => {
        if (asked.outcome === elsewhere) this.#countGood([edge.good[index] ?? []], -1);
      });
      const all = [...listener.asked, ...led];
      const before = this.#last?.answers[site];
      answers[site] = before !== undefined && sameItems(before, all) ? before : all;
    }
    const until = Math.min(...steady.map((one) => one.until), Number.POSITIVE_INFINITY);
    const edges = steady.reduce((sum, { hop, asked }) => sum + (hop === "edge" ? asked.length : 0), 0);
    const isOnce = Object.values(answers).some((all) => all.some(({ outcome }) => outcome === elsewhere));
    this.#last = { sites, changes: this.#machine.changes, until: isOnce ? 0 : until, answers, steady, edges };
    return answers;
  }

  #usersAnswers(duties: SiteDuties, hop: "listener" | "edge"): SteadyAnswers {
    const known = this.#steady.get(`${duties.site} ${hop}`);
    const isSteady =
      known?.duties === duties && known.changes === this.#machine.changes && this.#history.time.now < known.until;
    return isSteady ? known : this.#askAnew(duties, hop, known);
  }

  #askAnew(duties: SiteDuties, hop: "listener" | "edge", known: SteadyAnswers | undefined): SteadyAnswers {
    const { site } = duties;
    const way = this.#way(site, { hop });
    const found = questionsOf(duties, hop).map((question) => ({
      ...question,
      outcome: this.#isOut(site) ? unavailable : this.#answer(way, hop, question),
    }));
    const good = found.map((one) => (one.outcome.kind === "good" ? goodKeys(way, one) : []));
    const asked = known !== undefined && sameJson(known.asked, found) ? known.asked : found;
    if (known !== undefined) this.#countRepeats(known);
    const { changes } = this.#machine;
    const until = this.#machine.ways(site).length > 1 ? 0 : this.#steadyUntil(way);
    const steady = { duties, hop, changes, until, asked, good, repeats: 0 };
    this.#steady.set(`${site} ${hop}`, steady);
    return steady;
  }

  #countRepeats(steady: SteadyAnswers): void {
    this.#countGood(steady.good, steady.repeats);
    steady.repeats = 0;
  }

  #countGood(good: SteadyAnswers["good"], times: number): void {
    if (times === 0) return;
    for (const key of good.flat()) this.#goodResults.set(key, (this.#goodResults.get(key) ?? 0) + times);
  }

  /** When the next process on the way turns by the passing of time alone. */
  #steadyUntil(way: Partial<Way> | undefined): number {
    const { now } = this.#history.time;
    const turns = [way?.slot?.readyAt ?? now, this.#turnsAt(way?.slot?.digest, way?.slot?.liveSince)];
    for (const proxy of [way?.proxy, way?.front]) turns.push(this.#turnsAt(proxy?.digest, proxy?.startedAtMs));
    return Math.min(...turns.filter((at) => at > now), Number.POSITIVE_INFINITY);
  }

  #turnsAt(digest: string | undefined, since: number | undefined): number {
    const behaviour = digest === undefined ? undefined : this.#history.behaviours.get(digest);
    const isLate = behaviour === "bad-later" || behaviour === "bad-after-soak" || behaviour === "misses-binding-later";
    // From the next millisecond on: it turns when it is older than that.
    return isLate && since !== undefined ? since + soundMs[behaviour] + 1 : 0;
  }

  #way(site: string, target: ProbeRoundOrder["target"]): Partial<Way> | undefined {
    switch (target.hop) {
      case "slot": {
        const slot = this.#machine.slots.find((seen) => seen.target.port === target.target.port);
        return slot === undefined ? undefined : { slot };
      }
      case "proxy":
      case "front":
        return this.#wayFrom(site, this.#machine.proxyOf(target.childId));
      default: {
        const ways = this.#machine.ways(site);
        return ways.length < 2 ? ways[0] : this.#history.prng.pick(ways);
      }
    }
  }

  #wayFrom(site: string, first: ProxyProcess | undefined): Partial<Way> | undefined {
    if (first === undefined || first.unit !== "front") {
      return first === undefined ? undefined : this.#machine.wayBehind(site, first);
    }
    const before = first.accepting ? undefined : first.routesBeforeAccept[site];
    const proxy = before === undefined ? this.#machine.accepting(`proxy:${site}`)[0] : this.#machine.proxyOf(before);
    return proxy === undefined ? undefined : { ...this.#machine.wayBehind(site, proxy), front: first };
  }

  #ask(
    way: Partial<Way> | undefined,
    hop: Hop,
    question: { readonly binding: string; readonly hop: string },
  ): ProbeResult["outcome"] {
    return this.#leadsElsewhere(hop) ? elsewhere : this.#answer(way, hop, question);
  }

  /** Whether the edge leads to another host this time. */
  #leadsElsewhere(hop: Hop): boolean {
    const { prng, options, calm } = this.#history;
    return hop === "edge" && !calm && prng.chance(options.edgeUnknown);
  }

  #answer(
    way: Partial<Way> | undefined,
    hop: Hop,
    { binding, hop: seenOn }: { readonly binding: string; readonly hop: string },
  ): ProbeResult["outcome"] {
    const front = seenOn === "proxy" || hop === "slot" ? undefined : way?.front;
    const status = this.#statusOf(
      { ...(way ?? {}), ...(front === undefined ? { front: undefined } : {}) },
      hop,
      binding,
    );
    if (status === 200) return { kind: "good", status };
    return { kind: "bad", status, reason: `answered ${status}, expected 200` };
  }

  #statusOf(
    {
      front,
      proxy,
      slot,
    }: { readonly front?: ProxyProcess | undefined; readonly proxy?: ProxyProcess; readonly slot?: SlotProcess },
    hop: Hop,
    binding: string,
  ): number {
    for (const process of [front, proxy]) {
      if (process !== undefined && !process.isUp) return 504;
      if (process !== undefined && this.#missesBinding(process, binding)) return 400;
    }
    if (hop !== "slot" && proxy === undefined) return 503;
    if (hop !== "slot" && this.#isUntrusted(binding.startsWith("www.") ? front : proxy, hop)) return 526;
    if (slot === undefined || !slot.alive) return 502;
    if (this.#history.time.now < slot.readyAt) return 503;
    return this.#isBad(slot, hop) ? 500 : 200;
  }

  /** Clients turn away from what the process presents that ends their TLS. */
  #isUntrusted(presenter: ProxyProcess | undefined, hop: Hop): boolean {
    const pair = pairOf(presenter);
    const behaviour = pair === undefined ? "good" : this.#history.pairs?.get(pair);
    return behaviour === "untrusted" || (behaviour === "untrusted-by-edge" && hop === "edge");
  }

  #missesBinding({ digest, accepting, startedAtMs }: ProxyProcess, binding: string): boolean {
    if (!binding.startsWith("www.")) return false;
    const behaviour = this.#history.behaviours.get(digest);
    if (behaviour === "misses-binding") return true;
    const age = this.#history.time.now - startedAtMs;
    return behaviour === "misses-binding-later" && accepting && age > soundMs[behaviour];
  }

  #isBad({ digest, liveSince }: SlotProcess, hop: Hop): boolean {
    const behaviour = this.#history.behaviours.get(digest) ?? "good";
    switch (behaviour) {
      case "bad-before":
        return true;
      case "bad-after":
        return hop === "listener" || hop === "edge";
      case "bad-edge":
        return hop === "edge";
      case "bad-later":
      case "bad-after-soak":
        return liveSince !== undefined && this.#history.time.now - liveSince > soundMs[behaviour];
      default:
        return false;
    }
  }

  #note(
    way: Partial<Way> | undefined,
    { hop }: ProbeRoundOrder["target"],
    question: { readonly binding: string; readonly hop: string },
  ): void {
    if (hop === "slot") this.goodBefore.add(`${way?.slot?.target.port}|${question.binding}`);
    else if (hop === "proxy") this.goodBefore.add(`${way?.proxy?.childId}|${question.binding}`);
    else if (hop === "front") this.goodBefore.add(`${way?.front?.childId}|${question.binding}`);
    else for (const key of goodKeys(way, question)) this.#goodResults.set(key, (this.#goodResults.get(key) ?? 0) + 1);
  }
}

const elsewhere = { kind: "unknown", reason: "the edge led to another host" } as const;

/** Answers on the ways of users, and until when they stay. */
interface SteadyAnswers {
  readonly duties: SiteDuties;
  readonly hop: "listener" | "edge";
  readonly changes: number;
  readonly until: number;
  readonly asked: readonly Asked[];
  /** What each answer counts for, if it is a good one. */
  readonly good: readonly (readonly string[])[];
  /** Rounds answered so since it was counted last. */
  repeats: number;
}

/** A round on every way of users, and until when the next one is the same. */
interface LastRound {
  readonly sites: Readonly<Record<string, SiteDuties>>;
  readonly changes: number;
  readonly until: number;
  readonly answers: ProbedRound["answers"];
  readonly steady: readonly SteadyAnswers[];
  /** Questions through the edge. */
  readonly edges: number;
}

const sameItems = (a: readonly Asked[], b: readonly Asked[]): boolean =>
  a.length === b.length && a.every((one, index) => one === b[index]);

const goodKeys = (
  way: Partial<Way> | undefined,
  { binding, hop }: { readonly binding: string; readonly hop: string },
): readonly string[] =>
  [way?.front, way?.proxy, way?.slot].flatMap((process) =>
    process === undefined ? [] : [`${process.digest}|${binding}|${hop}`],
  );

const questions = new WeakMap<SiteDuties, Map<Hop, readonly ProbeQuestion[]>>();

/** Duties are replaced and never changed. */
function questionsOf(duties: SiteDuties, hop: Hop): readonly ProbeQuestion[] {
  const byHop = questions.get(duties) ?? new Map<Hop, readonly ProbeQuestion[]>();
  questions.set(duties, byHop);
  const known = byHop.get(hop) ?? questionsOn(duties, hop);
  byHop.set(hop, known);
  return known;
}
