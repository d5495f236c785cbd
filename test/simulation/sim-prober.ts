import { type Instant, type ProbeResult, type ProbeRoundOrder, questionsOn, type SiteDuties } from "@sluice/core";
import type { History } from "./history.ts";
import type { ProxyProcess, SimMachine, SlotProcess, Way } from "./sim-machine.ts";

type Hop = ProbeRoundOrder["target"]["hop"];

/** How long a release that turns bad while it soaks behaves, and one that does so only after it has passed. */
const soundMs = { "bad-later": 8000, "misses-binding-later": 8000, "bad-after-soak": 45_000 } as const;

/** What a site answers while something that it needs is away. */
const unavailable = { kind: "bad", status: 503, reason: "answered 503, expected 200" } as const;

/** Asks the sites of one simulated host; every answer follows from the processes on the way. Remembers what was really answered. */
export class SimProber {
  /** Good results of users' ways that a release took part in, by `digest|binding|hop`. */
  readonly goodResults = new Map<string, number>();
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
    return questionsOn(duties, target.hop).map((question) => {
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
    { binding, hop: seenOn }: { readonly binding: string; readonly hop: string },
  ): ProbeResult["outcome"] {
    const { prng, options, calm } = this.#history;
    if (hop === "edge" && !calm && prng.chance(options.edgeUnknown)) {
      return { kind: "unknown", reason: "the edge led to another host" };
    }
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
    if (slot === undefined || !slot.alive) return 502;
    if (this.#history.time.now < slot.readyAt) return 503;
    return this.#isBad(slot, hop) ? 500 : 200;
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
    else {
      for (const process of [way?.front, way?.proxy, way?.slot]) {
        if (process === undefined) continue;
        const key = `${process.digest}|${question.binding}|${question.hop}`;
        this.goodResults.set(key, (this.goodResults.get(key) ?? 0) + 1);
      }
    }
  }
}
