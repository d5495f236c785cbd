import {
  applyVerb,
  changeEvents,
  type GateName,
  haltAllWords,
  type OperatorVerb,
  type Override,
  overrideEvent,
  overrideGate,
  Problem,
  type ProgramUnit,
  type UnitRelease,
  verbEvent,
} from "@sluice/core";
import { siteRelease } from "@sluice/core/fleet/configure-host";
import { type Clock, type Ids, sha256Text } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import { readProvenReleases } from "../fleet/proven-releases.ts";
import type { Roster } from "../hosts/roster.ts";
import type { Leadership } from "../leadership.ts";
import { requireProgram } from "../releases/agent-programs-desk.ts";
import { markOneWay } from "../releases/mark-one-way.ts";
import { appendEvent } from "../store/event-log.ts";
import { lateFlag, writeFlag } from "../store/meta.ts";
import { readOneWay } from "../store/one-way-releases.ts";
import {
  readActiveRollouts,
  readRollout,
  readRolloutsEnding,
  type StoredRollout,
  updatePlan,
  updateRollout,
} from "../store/rollouts.ts";
import { readPushedRelease } from "../store/site-releases.ts";
import { readHaltAll } from "../store/standing-orders.ts";
import type { Db, Store } from "../store/store.ts";
import { assertUnitsFree, isEmpty, launch, type PlannedRollout } from "./launch.ts";
import { type Following, planLateHost } from "./plan-late-host.ts";
import { adoptInstalled, planPrograms } from "./plan-programs.ts";
import { type HostsWanted, planReboot } from "./plan-reboot.ts";
import { planRelease } from "./plan-release.ts";
import { noteRenewals, planRenewal, type Renewal } from "./plan-renewal.ts";
import { planProxyRestarts, planSiteRestart } from "./plan-restart.ts";
import { planRevert } from "./plan-revert.ts";
import type { Planning } from "./planning.ts";
import type { RolloutRunner } from "./rollout-runner.ts";

export interface RolloutDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly leadership: Leadership;
  readonly fleets: FleetDesk;
  readonly runner: RolloutRunner;
  readonly roster: Roster;
  readonly requestsOn: Planning["requestsOn"];
  /** Something was decided: plan again, and show it. */
  readonly decided: () => void;
}

/** Who asks, and why. */
export interface Asking {
  readonly by: string;
  readonly reason?: string | undefined;
}

export interface DeployRequest extends Asking {
  readonly site: string;
  readonly version: string;
  readonly toEnvironment?: string | undefined;
  readonly overrides: readonly Override[];
  /** Says that the release is one-way. */
  readonly oneWay?: string | undefined;
}

export interface RestartRequest extends Asking {
  readonly site?: string | undefined;
  readonly proxies: boolean;
  readonly toEnvironment?: string | undefined;
}

export interface RebootRequest extends Asking, HostsWanted {}

export interface ProgramsRequest extends Asking {
  readonly unit: ProgramUnit;
  /** Pushed before; absent: each host's program as it is. */
  readonly version?: string | undefined;
  readonly toEnvironment?: string | undefined;
}

export interface CommandRequest extends Asking {
  readonly id: string;
  readonly verb: OperatorVerb;
  readonly role?: string | undefined;
  /** The asker's role allows to do what a rule forbids. */
  readonly mayOverride: boolean;
}

export interface OverrideGateRequest extends Asking {
  readonly id: string;
  readonly gate: GateName;
}

/** Throws `verb-refused` while an operator's halt of everything stands. */
export function assertNotHalted(db: Db, what: string): void {
  const halt = readHaltAll(db);
  if (halt !== undefined) throw new Problem("verb-refused", `cannot ${what}: ${haltAllWords(halt)}`);
}

/** Shorter ends would too often mean another rollout tomorrow. */
const idEndMin = 6;

/** What operators may do with rollouts. Every method decides as a whole or throws a problem and changes nothing. */
export class RolloutDesk {
  readonly #options: RolloutDeskOptions;
  readonly #observationOf: Planning["observationOf"] = (host) => this.#options.roster.find(host).observation;

  constructor(options: RolloutDeskOptions) {
    this.#options = options;
  }

  /** Everything a plan needs, as of now. */
  planning(db: Db, { by, reason }: Asking, overrides: readonly Override[] = []): Planning {
    const { clock, ids, fleets, requestsOn } = this.#options;
    const observationOf = this.#observationOf;
    const proven = readProvenReleases(db);
    return { clock, ids, configured: fleets.require(), proven, by, reason, overrides, observationOf, requestsOn };
  }

  /** Starts the rollout of a release; undefined when every host already has it proven. */
  deploy(request: DeployRequest): string | undefined {
    const { leadership, fleets } = this.#options;
    leadership.assertLeading(`deploy '${request.site}'`);
    const environments = fleets.environmentsTo(request.toEnvironment);
    const site = fleets.site(request.site);
    const [id] = this.#start((db) => {
      assertNotHalted(db, `deploy '${request.site}'`);
      const planning = this.planning(db, request, request.overrides);
      const release = this.#release(db, request);
      const { version, by, oneWay } = request;
      if (oneWay !== undefined) markOneWay(db, { site: site.name, version, why: oneWay, by, at: planning.clock.now() });
      return [planRelease(planning, site, release, environments, readOneWay(db, site.name, version))];
    });
    return id;
  }

  restart(request: RestartRequest): readonly string[] {
    const { leadership, fleets } = this.#options;
    leadership.assertLeading("restart");
    const environments = fleets.environmentsTo(request.toEnvironment);
    const site = request.site === undefined ? undefined : fleets.site(request.site).name;
    return this.#start((db) => {
      assertNotHalted(db, "restart");
      const planning = this.planning(db, request);
      return site === undefined
        ? planProxyRestarts(planning, environments)
        : [planSiteRestart(planning, site, request.proxies, environments)];
    });
  }

  /** Starts the rollout of a renewed certificate; nothing when nothing presents another one any more. */
  renew(renewal: Renewal): readonly string[] {
    this.#options.leadership.assertLeading(`renew certificate '${renewal.certificate}'`);
    return this.#start((db) => {
      assertNotHalted(db, `renew certificate '${renewal.certificate}'`);
      const reason =
        renewal.hosts === undefined
          ? "every host that presents it has found it renewed on disk"
          : "hosts that have one of their own each have found it renewed on disk";
      return [planRenewal(this.planning(db, { by: "coordinator", reason }), renewal)];
    });
  }

  /** Starts what a rollout brought the others for a host that it skipped. */
  follow(following: Following): void {
    const { rollout, change } = following;
    this.#options.leadership.assertLeading(`let '${change.host}' follow`);
    this.#start((db) => {
      assertNotHalted(db, `let '${change.host}' follow`);
      const reason = `it was silent when rollout ${rollout.id} passed there`;
      const planned = planLateHost(db, this.planning(db, { by: "coordinator", reason }), following);
      writeFlag(db, lateFlag(rollout.id, change.host), undefined);
      return [planned];
    });
  }

  /** Starts the rollout that reboots these hosts. */
  reboot(request: RebootRequest): string {
    const { leadership } = this.#options;
    const { all, hosts, reason } = request;
    leadership.assertLeading("reboot hosts");
    if (all === hosts.length > 0) {
      throw new Problem("usage-invalid", "cannot reboot: it takes either hosts by name or all of them", {
        hint: "sluice host reboot HOST…, or sluice host reboot --all",
      });
    }
    if (reason === undefined || reason.trim() === "") {
      throw new Problem("reason-missing", "cannot reboot hosts without a reason", { hint: "give one with --reason" });
    }
    const [id] = this.#start((db) => {
      assertNotHalted(db, "reboot hosts");
      return [planReboot(this.planning(db, request), request)];
    });
    if (id !== undefined) return id;
    throw new Problem("verb-refused", "cannot reboot: on none of these hosts anything is proven");
  }

  /** Starts the rollout of a version of the agent or the keeper, or of a restart as they are; empty when every host already has it proven. */
  restartPrograms({ unit, version, toEnvironment, ...asking }: ProgramsRequest): readonly string[] {
    const { leadership, fleets, clock } = this.#options;
    leadership.assertLeading(`restart the ${unit}s`);
    const environments = fleets.environmentsTo(toEnvironment);
    return this.#start((db) => {
      assertNotHalted(db, `restart the ${unit}s`);
      const release = version === undefined ? undefined : requireProgram(db, unit, version);
      const configured = fleets.require();
      const observationOf = this.#observationOf;
      adoptInstalled(db, { unit, configured, environments, observationOf, now: clock.now() });
      return [planPrograms(this.planning(db, asking), unit, release, environments)];
    });
  }

  /** Follows an operator's word. A revert of a completed rollout starts a new one, whose id is answered. */
  command(request: CommandRequest): string | undefined {
    const { leadership, store } = this.#options;
    leadership.assertLeading(`${request.verb} rollout '${request.id}'`);
    const stored = this.require(request.id);
    if (request.verb === "revert" && stored.state.phase === "completed") {
      const [id] = this.#start((db) => [planRevert(db, this.planning(db, request), stored, request.mayOverride)]);
      if (id !== undefined) return id;
      throw new Problem(
        "verb-refused",
        `cannot revert rollout '${request.id}': what it changed is already as it was before`,
      );
    }
    if (request.verb === "resume") assertNotHalted(store, `resume rollout '${request.id}'`);
    this.#applyVerb(store, stored, request);
    return undefined;
  }

  /** Opens a gate for what waits for it. The caller has made sure that the asker's role allows it. */
  override({ id, gate, by, reason }: OverrideGateRequest): void {
    const { leadership, store, clock, runner, log, decided } = this.#options;
    leadership.assertLeading(`override a gate of rollout '${id}'`);
    const stored = this.require(id);
    const now = clock.now();
    const outcome = overrideGate(runner.inputFor(stored), gate, {
      by,
      now,
      ...(reason === undefined ? {} : { reason }),
    });
    if ("refusal" in outcome) throw new Problem(outcome.refusal.reason, outcome.refusal.sentence);
    const { rollout, override } = outcome;
    store.transact((db) => {
      updatePlan(db, rollout);
      appendEvent(db, overrideEvent(rollout, override, now));
    });
    log.warn({ rollout: rollout.id, by, gate, reason }, "rollout.gate-overridden");
    decided();
  }

  /** The rollout of this id, or the only one whose id ends with it. */
  require(id: string): StoredRollout {
    const stored = readRollout(this.#options.store, id);
    if (stored !== undefined) return stored;
    const ending = id.length < idEndMin ? [] : readRolloutsEnding(this.#options.store, id);
    const [only, another] = ending;
    if (only !== undefined && another === undefined) return only;
    if (another !== undefined) {
      const ids = ending.map(({ rollout }) => rollout.id).join(", ");
      throw new Problem("rollout-unknown", `cannot tell which rollout '${id}' is: ${ids} end with it`);
    }
    throw new Problem("rollout-unknown", `cannot find rollout '${id}'`, { hint: "sluice rollout list" });
  }

  #release(db: Db, { site: name, version }: DeployRequest): UnitRelease {
    const site = this.#options.fleets.site(name);
    const pushed = readPushedRelease(db, name, version);
    if (pushed === undefined && site.run.driver !== "external") {
      throw new Problem("release-unknown", `cannot find release '${version}' of site '${name}'`, {
        hint: `sluice release push ${name} ${version} DIR`,
      });
    }
    return siteRelease(site, version, pushed?.digest, sha256Text);
  }

  #start(plan: (db: Db) => readonly PlannedRollout[]): readonly string[] {
    const { store, decided } = this.#options;
    const started = store.transact((db) => {
      const planned = plan(db).filter((one) => !isEmpty(one));
      assertUnitsFree(readActiveRollouts(db), planned);
      for (const one of planned) {
        launch(db, one, this.#options);
        noteRenewals(db, one, this.#observationOf);
      }
      return planned.map(({ rollout }) => rollout.id);
    });
    decided();
    return started;
  }

  #applyVerb(store: Store, stored: StoredRollout, { verb, by, role, reason, mayOverride }: CommandRequest): void {
    const { clock, runner, decided, log } = this.#options;
    const now = clock.now();
    const why = { ...(role === undefined ? {} : { role }), ...(reason === undefined ? {} : { reason }) };
    const outcome = applyVerb(runner.inputFor(stored), verb, { by, now, mayOverride, ...why });
    if ("refusal" in outcome) throw new Problem(outcome.refusal.reason, outcome.refusal.sentence);
    store.transact((db) => {
      updateRollout(db, stored.rollout.id, outcome.state, undefined);
      appendEvent(db, verbEvent(stored.rollout, verb, { by, ...why }, now));
      for (const event of changeEvents(stored, outcome.state, by, now)) appendEvent(db, event);
    });
    log.info({ rollout: stored.rollout.id, by, verb, reason }, `operator.${verb}`);
    decided();
  }
}
