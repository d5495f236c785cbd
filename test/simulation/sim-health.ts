import {
  allInUntil,
  countedPlaces,
  feedFrom,
  type HealthState,
  type HostView,
  type Instant,
  instant,
  isTested,
  nextUntested,
  type ProbeAnswer,
  type ProbeResult,
  planTests,
  startTests,
  trialOf,
  type Verdict,
} from "@sluice/core";
import type { History } from "./history.ts";
import { bindingsOf, dutiesOf, siteNames } from "./simulated-fleet.ts";
import type { Place, Store } from "./store.ts";

type Entry = Store["rollouts"][number];

const duties = siteNames.map(dutiesOf);

/** As much of the past as a history needs to be one, and some more. */
const keptMs = 300_000;

/** What a coordinator counts of the hosts' probes, and the tests of its rollouts: all of it is in its store. */
export class SimHealth {
  readonly #history: History;
  readonly #places: readonly Place[];
  readonly #store: Store;
  /** Up to where each rollout was fed by this life of the coordinator. */
  readonly #fedUntil = new Map<string, Instant>();
  /** The newest verdict on each rollout, and what it was about: it is asked for many times in one moment. */
  readonly #judged = new Map<string, { readonly about: readonly unknown[]; readonly verdict: Verdict }>();
  /** When a way of a host was last answered, by `host|binding|hop`, in this life. */
  readonly #heardAt = new Map<string, Instant>();

  constructor(history: History, places: readonly Place[], store: Store) {
    this.#history = history;
    this.#places = places;
    this.#store = store;
  }

  /** Heard twice, counted once: an answer of a round that is known already stays as it is. */
  count(host: string, results: readonly ProbeResult[]): void {
    const { now } = this.#history.time;
    const known = (this.#store.rounds[host] ?? []).filter(({ round }) => round > now - keptMs);
    const rounds = new Set(known.map(({ round }) => round));
    for (const { site, binding, hop, probe, round, outcome } of results) {
      if (outcome.kind !== "unknown") this.#heardAt.set(`${host}|${binding}|${hop}`, now);
      if (round === undefined || rounds.has(round)) continue;
      const bindingPort = bindingsOf(site).find(({ name }) => name === binding)?.bindingPort ?? 0;
      const stratum = { site, binding, bindingPort, hop, probe, source: "probe", indicator: "unexpected" } as const;
      known.push({ host, stratum, round, outcome });
    }
    this.#store.rounds[host] = known;
  }

  heardAt(host: string, binding: string, hop: string): Instant | undefined {
    return this.#heardAt.get(`${host}|${binding}|${hop}`);
  }

  /** Takes in what was counted since, before the rollout is planned. */
  advance(entry: Entry, views: Readonly<Record<string, HostView>>): void {
    if (!isTested(entry)) return;
    const { now } = this.#history.time;
    const { id } = entry.rollout;
    let tests = this.#store.health[id] ?? this.#begin(entry);
    for (let next = nextUntested(entry, tests, views, now); next !== undefined; ) {
      const history = { traffic: [], probes: this.#answers(this.#besides(next.host)) };
      tests = this.#history.subject.testHost(tests, { ...next, history });
      next = nextUntested(entry, tests, views, now);
    }
    this.#store.health[id] = this.#feed(entry, tests, views);
  }

  verdict(entry: Entry): Verdict {
    const tests = this.#store.health[entry.rollout.id];
    if (tests === undefined) return { kind: "inconclusive", missing: [] };
    const { now } = this.#history.time;
    const about = [tests, entry.state, now];
    const known = this.#judged.get(entry.rollout.id);
    if (known !== undefined && about.every((one, index) => known.about[index] === one)) return known.verdict;
    const verdict = this.#history.subject.judgeTests(tests, { now, ...trialOf(entry, () => duties) });
    this.#judged.set(entry.rollout.id, { about, verdict });
    return verdict;
  }

  /** Users' ways only: slots are asked by the agents themselves before a switch. */
  #begin({ rollout }: Entry): HealthState {
    const plan = planTests(rollout, { hostsOf: (name) => this.#hostsOf(name), dutiesOf: () => duties });
    const hosts = plan.hosts.map((host) => ({
      ...host,
      strata: host.strata.filter(({ source, hop }) => source === "probe" && hop !== "slot"),
    }));
    return startTests({ ...plan, hosts });
  }

  #feed({ rollout }: Entry, tests: HealthState, views: Readonly<Record<string, HostView>>): HealthState {
    const { now } = this.#history.time;
    const hosts = [...new Set(countedPlaces(tests).map(({ host }) => host))];
    const awaited = hosts.filter((host) => views[host]?.connected === true);
    const until = allInUntil(
      awaited.map((host) => this.#newestRound(host)),
      now,
    );
    if (hosts.length === 0 || this.#fedUntil.get(rollout.id) === until) return tests;
    this.#fedUntil.set(rollout.id, until);
    const from = feedFrom(tests) ?? until;
    const probes = this.#answers(hosts).filter(({ round }) => round >= from);
    return this.#history.subject.feedEvidence(tests, {
      traffic: [],
      trafficUntil: instant(0),
      probes,
      probesUntil: until,
    });
  }

  #newestRound(host: string): number | undefined {
    const newest = this.#store.rounds[host]?.at(-1)?.round;
    return newest === undefined ? undefined : newest + 1;
  }

  #answers(hosts: readonly string[]): readonly ProbeAnswer[] {
    return hosts.flatMap((host) => this.#store.rounds[host] ?? []);
  }

  #besides(host: string): readonly string[] {
    return this.#hostsOf(this.#places.find(({ name }) => name === host)?.environment ?? "");
  }

  #hostsOf(environment: string): readonly string[] {
    return this.#places.filter((place) => place.environment === environment).map(({ name }) => name);
  }
}
