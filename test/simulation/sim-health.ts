import {
  allInUntil,
  countedPlaces,
  feedFrom,
  type HealthState,
  type HostView,
  hostsToCompare,
  type Instant,
  instant,
  isTested,
  nextUntested,
  type ProbeAnswer,
  type ProbeResult,
  type ProbeStratum,
  planTests,
  type SiteDuties,
  startTests,
  trialOf,
  type Verdict,
} from "@sluice/core";
import { HeardWays } from "./heard-ways.ts";
import type { History } from "./history.ts";
import type { Asked, ProbedRound } from "./report.ts";
import { bindingsOf, dutiesOf, sitesOf } from "./simulated-fleet.ts";
import type { Place, Store } from "./store.ts";

type Entry = Store["rollouts"][number];

interface Judged {
  readonly tests: HealthState;
  readonly state: Entry["state"];
  readonly now: Instant;
  readonly verdict: Verdict;
}

/** As much of the past as a history needs to be one, and some more. */
const keptMs = 300_000;

/** What a coordinator counts of the hosts' probes, and the tests of its rollouts: all of it is in its store. */
export class SimHealth {
  readonly #history: History;
  readonly #places: readonly Place[];
  readonly #store: Store;
  readonly #duties: readonly SiteDuties[];
  /** Up to where each rollout was fed by this life of the coordinator. */
  readonly #fedUntil = new Map<string, Instant>();
  /** The newest verdict on each rollout, and what it was about: it is asked for many times in one moment. */
  readonly #judged = new Map<string, Judged>();
  /** When each way of a host was last answered, in this life. */
  readonly #heard = new HeardWays();

  constructor(history: History, places: readonly Place[], store: Store) {
    this.#history = history;
    this.#places = places;
    this.#duties = sitesOf(history.options).map(dutiesOf);
    this.#store = store;
  }

  /** Heard twice, counted once: a round that is known already stays as it is. */
  count(host: string, results: readonly ProbeResult[], round: ProbedRound): void {
    const { now } = this.#history.time;
    this.#heard.note(host, results, now);
    this.#heard.noteRound(host, round, now);
    const known = this.#store.rounds[host] ?? [];
    if (known.some((one) => one.round === round.round)) return;
    const first = known.findIndex((one) => one.round > now - keptMs);
    this.#store.rounds[host] = [...(first < 0 ? [] : known.slice(first)), round];
  }

  heardAt(host: string, binding: string, hop: string): Instant | undefined {
    return this.#heard.at(host, binding, hop);
  }

  /** Evidence has come in that the rollout was not fed with. */
  hasNews(entry: Entry, isConnected: (host: string) => boolean): boolean {
    const tests = this.#store.health[entry.rollout.id];
    if (tests === undefined || !isTested(entry)) return false;
    const hosts = countedHosts(tests);
    return hosts.length > 0 && this.#fedUntil.get(entry.rollout.id) !== this.#allInUntil(hosts, isConnected);
  }

  /** Takes in what was counted since, before the rollout is planned. */
  advance(entry: Entry, views: Readonly<Record<string, HostView>>): void {
    if (!isTested(entry)) return;
    const { now } = this.#history.time;
    const { id } = entry.rollout;
    let tests = this.#store.health[id] ?? this.#begin(entry);
    for (let next = nextUntested(entry, tests, views, now); next !== undefined; ) {
      const hosts = hostsToCompare(tests, next.host, () => sitesOf(this.#history.options));
      const history = { traffic: [], probes: this.#answers(hosts, entry.rollout.sites, instant(0)) };
      tests = this.#history.subject.testHost(tests, { ...next, history });
      next = nextUntested(entry, tests, views, now);
    }
    this.#store.health[id] = this.#feed(entry, tests, views);
  }

  verdict(entry: Entry): Verdict {
    const tests = this.#store.health[entry.rollout.id];
    if (tests === undefined) return { kind: "inconclusive", missing: [] };
    const { now } = this.#history.time;
    const { state } = entry;
    const known = this.#judged.get(entry.rollout.id);
    if (known?.tests === tests && known.state === state && known.now === now) return known.verdict;
    const verdict = this.#history.subject.judgeTests(tests, { now, ...trialOf(entry, () => this.#duties) });
    this.#judged.set(entry.rollout.id, { tests, state, now, verdict });
    return verdict;
  }

  /** Users' ways only: slots are asked by the agents themselves before a switch. */
  #begin({ rollout }: Entry): HealthState {
    const plan = planTests(rollout, { hostsOf: (name) => this.#hostsOf(name), dutiesOf: () => this.#duties });
    const hosts = plan.hosts.map((host) => ({
      ...host,
      strata: host.strata.filter(({ source, hop }) => source === "probe" && hop !== "slot"),
    }));
    return startTests({ ...plan, hosts });
  }

  #feed({ rollout }: Entry, tests: HealthState, views: Readonly<Record<string, HostView>>): HealthState {
    const hosts = countedHosts(tests);
    const until = this.#allInUntil(hosts, (host) => views[host]?.connected === true);
    if (hosts.length === 0 || this.#fedUntil.get(rollout.id) === until) return tests;
    this.#fedUntil.set(rollout.id, until);
    return this.#history.subject.feedEvidence(tests, {
      traffic: [],
      trafficUntil: instant(0),
      probes: this.#answers(hosts, rollout.sites, feedFrom(tests) ?? until),
      probesUntil: until,
    });
  }

  #allInUntil(hosts: readonly string[], isConnected: (host: string) => boolean): Instant {
    return allInUntil(
      hosts.filter(isConnected).map((host) => this.#newestRound(host)),
      this.#history.time.now,
    );
  }

  #newestRound(host: string): number | undefined {
    const newest = this.#store.rounds[host]?.at(-1)?.round;
    return newest === undefined ? undefined : newest + 1;
  }

  /** What was answered for these sites on these hosts, oldest first. */
  #answers(hosts: readonly string[], sites: readonly string[], from: Instant): readonly ProbeAnswer[] {
    const found: ProbeAnswer[] = [];
    for (const host of hosts) {
      for (const { round, answers } of this.#store.rounds[host] ?? []) {
        if (round < from) continue;
        for (const site of sites) {
          for (const asked of answers[site] ?? [])
            found.push({ host, stratum: stratumOf(asked), round, outcome: asked.outcome });
        }
      }
    }
    return found;
  }

  #hostsOf(environment: string): readonly string[] {
    return this.#places.filter((place) => place.environment === environment).map(({ name }) => name);
  }
}

const hostsCounted = new WeakMap<HealthState["hosts"], readonly string[]>();

/** Every host that evidence of the tests comes from. */
function countedHosts(tests: HealthState): readonly string[] {
  const known = hostsCounted.get(tests.hosts);
  if (known !== undefined) return known;
  const hosts = [...new Set(countedPlaces(tests).map(({ host }) => host))];
  hostsCounted.set(tests.hosts, hosts);
  return hosts;
}

const strata = new WeakMap<Asked, ProbeStratum>();

/** The stratum that a question belongs to; an answer that comes again and again has one. */
function stratumOf(asked: Asked): ProbeStratum {
  const known = strata.get(asked);
  if (known !== undefined) return known;
  const { site, binding, hop, probe } = asked;
  const bindingPort = bindingsOf(site).find(({ name }) => name === binding)?.bindingPort ?? 0;
  const stratum = { site, binding, bindingPort, hop, probe, source: "probe", indicator: "unexpected" } as const;
  strata.set(asked, stratum);
  return stratum;
}
