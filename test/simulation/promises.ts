import type { Intent, Rollout, RolloutAction, RolloutState, WaitingOn } from "@sluice/core";
import { placedSteps } from "@sluice/core/rollout/wave";
import { type History, Violation } from "./history.ts";

/** What the checks must see of a host to judge it: the truth, not what it reports. */
export interface HostTruth {
  readonly name: string;
  readonly environment: string;
  readonly running: ReadonlyMap<string, string>;
  /** Good results that a site release really gave here, by `digest|hop`. */
  readonly goodResults: ReadonlyMap<string, number>;
  readonly activatingForwards: ReadonlySet<string>;
}

/**
 * Checks the promises of the design against the truth of a simulated world, after every event that could break one.
 * It knows more than any part under test: what was granted, what a host obeyed, which store is an old backup.
 */
export class Promises {
  readonly #history: History;
  readonly #hosts: () => readonly HostTruth[];
  /** `host|unit|digest` that may be live there: installed from the start, or granted once. */
  readonly #permitted = new Set<string>();
  readonly #confirmed = new Map<string, string | undefined>();
  readonly #newest = new Map<string, { readonly fence: number; readonly generation: number }>();
  readonly #knowsMoreThanBackup = new Set<string>();
  backupActed = false;

  constructor(history: History, hosts: () => readonly HostTruth[]) {
    this.#history = history;
    this.#hosts = hosts;
  }

  #broken(promise: string, what: string): never {
    this.#history.trace.add(`BROKEN ${promise}: ${what}`);
    throw new Violation(`${promise}: ${what}`);
  }

  begin(host: string, unit: string, digest: string): void {
    this.#permitted.add(`${host}|${unit}|${digest}`);
    this.#confirmed.set(`${host}|${unit}`, digest);
  }

  /** Promise 11. */
  obeyed(host: string, intent: Intent, fromBackup: boolean): void {
    const { fence, generation } = intent;
    const before = this.#newest.get(host);
    if (before !== undefined && (fence < before.fence || generation < before.generation)) {
      this.#broken("11", `${host} went back from ${before.fence}/${before.generation} to ${fence}/${generation}`);
    }
    if (fromBackup && this.#knowsMoreThanBackup.has(host)) {
      this.#broken("11", `${host} obeys a restored backup although it knows newer words`);
    }
    if (fromBackup) this.backupActed = true;
    this.#newest.set(host, { fence, generation });
    const granted = new Map<string, string>();
    for (const { id, units } of intent.body.grants) {
      for (const { unit, digest } of units) {
        this.#permitted.add(`${host}|${unit}|${digest}`);
        const other = granted.get(unit);
        if (other !== undefined) this.#broken("one rollout a unit", `${host} holds ${other} and ${id} for ${unit}`);
        granted.set(unit, id);
      }
    }
    for (const { unit, proven } of intent.body.units) this.#confirmed.set(`${host}|${unit}`, proven?.digest);
  }

  /** A backup was taken out of use: whoever obeyed since must refuse it when it comes back. */
  obeyedSinceBackup(host: string): void {
    this.#knowsMoreThanBackup.add(host);
  }

  forgetBackup(): void {
    this.#knowsMoreThanBackup.clear();
  }

  /** Promises 1 and 5, whenever what runs on a host changes. */
  runs(host: HostTruth): void {
    for (const [unit, digest] of host.running) {
      if (!this.#permitted.has(`${host.name}|${unit}|${digest}`)) {
        this.#broken("1", `${host.name} runs ${unit} ${digest} that nobody granted`);
      }
    }
    for (const site of ["shop", "blog"]) {
      const [release, proxy] = [host.running.get(`site:${site}`), host.running.get(`proxy:${site}`)];
      if (pairOf(release) !== pairOf(proxy)) this.#broken("5", `${host.name} runs ${release} behind ${proxy}`);
    }
  }

  /** Promise 2. */
  rebooted(host: HostTruth): void {
    for (const [unit, digest] of host.running) {
      const confirmed = this.#confirmed.get(`${host.name}|${unit}`);
      if (digest !== confirmed)
        this.#broken("2", `${host.name} came back with ${unit} ${digest}, proven is ${confirmed}`);
    }
  }

  /** Promise 9: called while the agent is up. */
  onTrial(host: string, grant: string, lateByMs: number): void {
    if (lateByMs > 15_000) this.#broken("9", `${host} keeps ${grant} ${lateByMs} ms after its confirm-by`);
  }

  /** The cap, and that a withdrawn grant is over, whenever an activation starts. A backup that acts keeps neither. */
  activates(host: HostTruth, grant: string, isOver: boolean): void {
    if (this.backupActed) return;
    if (isOver) this.#broken("withdrawal", `${host.name} begins ${grant} after the coordinator held it for withdrawn`);
    for (const site of host.activatingForwards) {
      const busy = this.#hosts().filter(
        (other) => other.environment === host.environment && other.activatingForwards.has(site),
      );
      if (busy.length > this.#history.options.maxUnavailable) {
        this.#broken("maxUnavailable", `${busy.map(({ name }) => name).join(", ")} activate ${site} at once`);
      }
    }
  }

  /** Promises 7, 8 and 12, whenever a rollout was planned. */
  planned(
    rollout: Rollout,
    before: RolloutState,
    after: RolloutState,
    actions: readonly RolloutAction[],
    waitingOn: readonly WaitingOn[],
  ): void {
    const promoted = before.phase === "observing" && before.promoted !== undefined;
    for (const action of actions) {
      if (action.kind === "record-proven" && after.phase !== "reverting" && before.phase === "observing" && !promoted) {
        this.#passedFairly(rollout, action.host, action.units);
      }
    }
    this.#wavesInOrder(rollout, after);
    this.#revertsOnlyWithCause(rollout, before, after);
    const still = before.phase === after.phase && !["completed", "reverted", "aborted"].includes(after.phase);
    if (still && waitingOn.length === 0) this.#broken("12", `rollout ${rollout.id} is ${after.phase} without a reason`);
  }

  #passedFairly(
    rollout: Rollout,
    name: string,
    units: Extract<RolloutAction, { kind: "record-proven" }>["units"],
  ): void {
    const host = this.#hosts().find((one) => one.name === name);
    for (const { unit, digest } of units) {
      if (!unit.startsWith("site:")) continue;
      for (const hop of ["proxy", "edge"]) {
        const good = host?.goodResults.get(`${digest}|${hop}`) ?? 0;
        if (good < 3) this.#broken("7", `${rollout.id} passed on ${name} with ${good} good results via ${hop}`);
      }
    }
  }

  #wavesInOrder(rollout: Rollout, state: RolloutState): void {
    let unfinished: string | undefined;
    for (const { waves } of rollout.stages) {
      for (const wave of waves) {
        for (const { host } of wave) {
          const { kind } = state.steps[host] ?? { kind: "pending" };
          const touched = kind !== "pending";
          if (touched && unfinished !== undefined)
            this.#broken("8", `${rollout.id} touches ${host} before ${unfinished} passed`);
        }
        unfinished ??=
          state.phase === "reverting" ||
          state.phase === "reverted" ||
          state.phase === "held" ||
          state.phase === "aborted"
            ? undefined
            : wave.find(({ host }) => state.steps[host]?.kind !== "passed")?.host;
      }
    }
  }

  /** Silence destroys nothing: what passed goes back only for a reason that somebody reported. */
  #revertsOnlyWithCause(rollout: Rollout, before: RolloutState, after: RolloutState): void {
    if (after.phase !== "reverting" || after.cause.kind !== "deadline") return;
    const touched = placedSteps(rollout, after.steps).find(
      ({ change, step }) => step.kind === "reverting" && before.steps[change.host]?.kind === "passed",
    );
    if (touched !== undefined)
      this.#broken("silence", `${rollout.id} takes back ${touched.change.host} because nobody spoke`);
  }
}

/** Release and proxy settings of a pair carry the same number: `shop-3` and `shop-proxy-3`. */
const pairOf = (digest: string | undefined): string | undefined => digest?.split("-").at(-1);
