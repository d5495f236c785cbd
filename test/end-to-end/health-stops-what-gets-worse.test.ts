import type { Load } from "@sluice/cli/load/start-load";
import type { EngineName } from "@sluice/core";
import type { EvidenceRow, Rollout } from "@sluice/protocol/generated/sluice/types/v1/rollout";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { engines } from "./support/each-engine.ts";
import { eventually } from "./support/eventually.ts";
import { type HealthFleet, hostNames, type SteeredSite, startHealthFleet } from "./support/health-fleet.ts";
import { stepsOf } from "./support/look-at.ts";
import { takeTurns } from "./support/take-turns.ts";

/** Host names of the site of an engine, by what happens to them. */
const namesOf = (engine: EngineName) => ({
  /** Nobody asks for it. */
  quiet: `quiet.${engine}`,
  www: `www.${engine}`,
  search: `search.${engine}`,
  news: `news.${engine}`,
  /** Three in a hundred requests always fail. */
  noisy: `noisy.${engine}`,
});

/**
 * Latency is looked at where the test is about it, and only there: what the machine is busy with besides would be the loudest
 * thing in it.
 */
function judgedBy(engine: EngineName, more: "slowness too" | "errors only", minBake = "1m"): string {
  const { quiet: _, ...asked } = namesOf(engine);
  const failed = Object.values(asked).map((binding) => `{ binding: ${binding}, indicator: failed }`);
  const [slow, rest] =
    more === "errors only"
      ? [[], ", ignore: [slow, above-median]"]
      : [[`{ binding: ${asked.search}, indicator: slow }`], ""];
  const required = ["probes", ...failed, ...slow].join(", ");
  return `{ warmUp: 10s, minBake: ${minBake}, ruleOut: 10%, require: [${required}]${rest} }`;
}

function siteOf(engine: EngineName): SteeredSite {
  const { quiet, www, search, news, noisy } = namesOf(engine);
  return {
    ...{ site: engine, engine, health: judgedBy(engine, "errors only") },
    usersPerSecond: { [quiet]: 0, [www]: 24, [search]: 10, [news]: 10, [noisy]: 20 },
    usual: { failEvery: { [noisy]: 33 }, delayMs: { [search]: 400 } },
  };
}

let health: HealthFleet;
/** By name, of the first host and of the others. */
const users = new Map<string, { readonly first: Load; readonly others: Load }>();

function usersOf(name: string): { readonly first: Load; readonly others: Load } {
  const found = users.get(name);
  if (found === undefined) throw new Error(`no users of ${name}`);
  return found;
}

let killed: Promise<unknown> = Promise.resolve();

/** One at a time, since both engines have the same; it is started again. */
function killCoordinator(): Promise<unknown> {
  killed = killed.then(async () => {
    await health.fleet.kill("coordinator");
    await health.fleet.start("coordinator");
  });
  return killed;
}

/** Each deploys release 2 on the first of three hosts where release 1 is live, beside all users, and ends with how that ends. */
const cases: Readonly<Record<string, (engine: EngineName) => Promise<void>>> = {
  async "five in a hundred errors more under one of five names are found, through a killed coordinator"(engine) {
    const { www, noisy } = namesOf(engine);
    health.steer(engine, { failEvery: { [www]: 20, [noisy]: 33 } });
    const rollout = await begin(engine);
    await rollout.until(({ evidence }) => evidence.some((row) => row.binding === www && counts(row)));
    await killCoordinator();
    await rollout.isReverted([`${www}:`, "on h1", "requests failed", "on 2 other hosts 0 of", "Not affected"]);
    expect(usersOf(www).first.report().failed).toBeGreaterThan(0);
    expect(usersOf(www).others.report().failures).toEqual([]);
  },

  async "answers that take half as long again are found"(engine) {
    const { search } = namesOf(engine);
    await health.judgeBy(engine, judgedBy(engine, "slowness too"));
    health.steer(engine, { delayMs: { [search]: 600 } });
    const rollout = await begin(engine);
    await rollout.isReverted([`${search}:`, "on h1", "were slower than 95 % of those before"]);
  },

  async "a host name that dies where nobody asks for it is found by probes"(engine) {
    const { quiet } = namesOf(engine);
    health.steer(engine, {});
    // So that it cannot pass before the name is dead.
    await health.judgeBy(engine, judgedBy(engine, "errors only", "30m"));
    const rollout = await begin(engine);
    await rollout.until(isOnTrial);
    health.steer(engine, { dead: [quiet] });
    await rollout.isReverted([`${quiet}:`, "on h1", "probes GET /healthz", "400"]);
  },

  async "a database that is gone for all hosts pauses, nothing is reverted; users who stay away are no evidence; then it goes on"(
    engine,
  ) {
    const { news, noisy } = namesOf(engine);
    health.steer(engine, {});
    await health.judgeBy(engine, judgedBy(engine, "errors only"));
    await usersOf(news).first.stop();
    const rollout = await begin(engine);
    await rollout.until(isOnTrial);
    health.steer(engine, { down: true }, true);
    await rollout.isPaused();
    health.steer(engine, {}, true);
    await rollout.lacksOnlyUsersOf(news);
    users.set(news, { ...usersOf(news), first: health.startUsers(engine, news, ["h1"]) });
    await rollout.isCompleted();
    expect(usersOf(noisy).first.report().failed).toBeGreaterThan(0);
  },
};

takeTurns();

/** Both engines at the same time, each its cases one after another. */
const outcomes = new Map<string, Promise<void>>();

beforeAll(async () => {
  health = await startHealthFleet(engines.map(siteOf));
  const [first = "", ...others] = hostNames;
  for (const engine of engines) {
    for (const name of Object.values(namesOf(engine))) {
      const start = (hosts: readonly string[]) => health.startUsers(engine, name, hosts);
      users.set(name, { first: start([first]), others: start(others) });
    }
    let before: Promise<unknown> = Promise.resolve();
    for (const [name, play] of Object.entries(cases)) {
      const outcome = before.then(() => play(engine));
      before = outcome.catch(() => undefined);
      outcomes.set(`${engine} ${name}`, outcome);
    }
  }
}, 240_000);
afterAll(() => health?.[Symbol.asyncDispose]());

describe.each(engines)("with %s", (engine) => {
  test.each(Object.keys(cases))("%s", (name) => outcomes.get(`${engine} ${name}`));
});

/** Begins to deploy release 2 of the site of an engine. */
async function begin(engine: EngineName): Promise<Trial> {
  return new Trial(engine, await health.fleet.beginDeploy(engine, "2"));
}

class Trial {
  readonly #site: string;
  readonly #id: string;

  constructor(site: string, id: string) {
    this.#site = site;
    this.#id = id;
  }

  /** The rollout as soon as it is so. */
  until(isSo: (rollout: Rollout) => boolean): Promise<Rollout> {
    const look = async () => {
      const rollout = await health.fleet.client.getRollout(this.#id);
      return (isSo(rollout) || rollout.endedAtMs !== undefined) && rollout;
    };
    return eventually(`the rollout of ${this.#site} is so`, look, { everyMs: 200, withinMs: 240_000 });
  }

  /** By itself, from the first host, before any other was touched. */
  async isReverted(words: readonly string[]): Promise<void> {
    const rollout = await this.until(() => false);
    const sentence = rollout.cause?.sentence ?? "no reason was given";
    this.#tell(rollout, sentence);
    expect({ phase: rollout.phase, kind: rollout.cause?.kind }).toEqual({ phase: "reverted", kind: "regressed" });
    for (const word of words) expect(sentence).toContain(word);
    expect(stepsOf(rollout).map(({ state }) => state)).toEqual(["reverted", "pending", "pending"]);
    expect(await this.#running("h1")).toBe("1");
  }

  async isPaused(): Promise<void> {
    const paused = await this.until(({ phase }) => phase !== "observing");
    this.#tell(paused, paused.statusLine);
    expect(paused).toMatchObject({ phase: "paused", cause: undefined });
    expect(paused.statusLine).toMatch(
      /nothing is reverted: hosts that were not changed fail as well: .* on 2 other hosts [1-9]/,
    );
    expect(await this.#running("h1")).toBe("2");
  }

  /** Nothing but the users of a name on the first host is missing, and it waits for them. */
  async lacksOnlyUsersOf(name: string): Promise<void> {
    const silent = await this.until((rollout) => isBeyond(rollout) || lacksOnlyUsers(rollout));
    this.#tell(silent, silent.statusLine);
    expect({ phase: silent.phase, h1: stepsOf(silent)[0]?.state }).toEqual({ phase: "observing", h1: "provisional" });
    expect(silent.statusLine).toContain(`${name}:`);
  }

  async isCompleted(): Promise<void> {
    const rollout = await this.until(() => false);
    this.#tell(rollout, rollout.statusLine);
    expect(rollout.cause?.sentence ?? rollout.phase).toBe("completed");
    for (const host of hostNames) expect(await this.#running(host)).toBe("2");
  }

  async #running(host: string): Promise<string | undefined> {
    const { units } = await health.fleet.status(host);
    return units.find(({ unit }) => unit === `site:${this.#site}`)?.running;
  }

  /** Times are the fleet's own. */
  #tell(rollout: Rollout, words: string): void {
    const since = rollout.evidence.find(({ host }) => host === "h1")?.sinceMs;
    const at = rollout.cause?.atMs;
    const found =
      since === undefined || at === undefined ? "" : ` ${Math.round((at - since) / 1000)} s after the change`;
    console.log(`${this.#site}: ${rollout.phase}${found}: ${words.slice(0, 200)}`);
  }
}

const counts = ({ now }: EvidenceRow): boolean => (now?.requests ?? 0) > 0;
const isOnTrial = ({ phase, evidence }: Rollout): boolean => phase === "observing" && evidence.some(counts);
const isBeyond = (rollout: Rollout): boolean => stepsOf(rollout)[0]?.state !== "provisional";

/** Some users stay away, everything else is proven, and probes have said all that probes can say. */
const lacksOnlyUsers = ({ phase, evidence }: Rollout): boolean =>
  phase === "observing" &&
  evidence.some(({ state }) => state === "silent") &&
  evidence.every(({ state, source, now }) =>
    source === "probe" ? state === "fine" && (now?.requests ?? 0) >= 40 : state === "fine" || state === "silent",
  );
