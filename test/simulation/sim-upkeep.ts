import { noFacts } from "@sluice/agent/activation/carry-out";
import { findHandChanges, type RanBefore } from "@sluice/agent/drift/find-hand-changes";
import { certificatesOfProven } from "@sluice/agent/ledger/proven-certificates";
import { busyUnits, slotsByActivation } from "@sluice/agent/reconcile/live-units";
import type { UpkeepInput } from "@sluice/agent/reconcile/plan-upkeep";
import {
  type ActivationAction,
  type ActivationFacts,
  describeDrift,
  type Instant,
  type ObservedHost,
  parseUnit,
  proxiesOf,
  readyKey,
  slotSeen,
  type UnitKey,
} from "@sluice/core";
import type { AgentLife, Lane } from "./agent-life.ts";
import type { OrderSite } from "./sim-orders.ts";

const lookAgainMs = 1000;

/** Keeps what is proven running in one life of an agent, as the real one does. */
export class SimUpkeep {
  /** Something did not work or is not over: look again though nothing changes. */
  isTroubled = false;
  readonly #life: AgentLife;
  #ran: RanBefore | undefined;
  readonly #notes = {
    ready: new Set<string>(),
    unready: new Set<string>(),
    absentSince: {} as Record<string, Instant>,
    cold: false,
  };

  constructor(life: AgentLife) {
    this.#life = life;
  }

  coldStart(): void {
    this.#notes.cold = true;
  }

  get isWaiting(): boolean {
    return this.isTroubled || Object.keys(this.#notes.absentSince).length > 0;
  }

  noteAbsent(host: ObservedHost): void {
    const { absentSince } = this.#notes;
    const { disk, now } = this.#life.ports;
    for (const unit of Object.keys(disk.ledger.proven) as UnitKey[]) {
      if (parseUnit(unit).kind === "site") continue;
      if (proxiesOf(host, unit).some(({ draining }) => !draining)) delete absentSince[unit];
      else absentSince[unit] ??= now();
    }
    if (Object.keys(absentSince).length === 0) this.#notes.cold = false;
  }

  /** Nobody lays a hand on a simulated host: whatever is found is a mistake of who looks. */
  noticeHands(host: ObservedHost): void {
    const input = this.#input(host);
    const found = findHandChanges(input, this.#ran);
    this.#ran = { host, busy: input.busy, missing: found };
    const { history, name } = this.#life.ports;
    for (const one of found) {
      history.trace.count("hand seen");
      history.trace.add(`${name}: ${describeDrift(one)}`);
    }
  }

  runLanes(): void {
    this.isTroubled = false;
    for (const site of Object.keys(this.#life.ports.disk.ledger.duties)) {
      this.#life.run(`site:${site}`, (lane) => this.#step(`site:${site}`, site, lane));
    }
    this.#life.run("front", (lane) => this.#step("front", undefined, lane));
  }

  #step(name: string, site: string | undefined, lane: Lane): void {
    const host = this.#life.look();
    if (!this.#life.isAlive) return;
    const input = this.#input(host);
    const { planFrontUpkeep, planSiteUpkeep } = this.#life.ports.history.subject;
    const actions = site === undefined ? planFrontUpkeep(input) : planSiteUpkeep(input, site);
    if (actions.length === 0) {
      this.#life.rest(name);
      return;
    }
    this.#give(this.#life.site(host, lane, Number.POSITIVE_INFINITY), actions, (failed) => {
      this.isTroubled = true;
      this.#life.rest(name, failed ? lookAgainMs : 1);
    });
  }

  #give(site: OrderSite, actions: readonly ActivationAction[], done: (failed: boolean) => void): void {
    const [action, ...rest] = actions;
    if (action === undefined) {
      done(false);
      return;
    }
    this.#life.give(site, noFacts, [action], (facts) => {
      this.#noteReadiness(site.host, action, facts);
      if (facts.failures.length > 0) done(action.kind !== "await-ready");
      else this.#give(site, rest, done);
    });
  }

  #noteReadiness(host: ObservedHost, action: ActivationAction, facts: ActivationFacts): void {
    if (action.kind !== "await-ready") return;
    for (const key of facts.ready) this.#notes.ready.add(key);
    const seen = slotSeen(host, action.site, action.slot);
    if (seen !== undefined && facts.failures.length > 0) this.#notes.unready.add(readyKey(seen));
  }

  #input(host: ObservedHost): UpkeepInput {
    const { disk, history, now } = this.#life.ports;
    const { ledger, intent } = disk;
    return {
      now: now(),
      host,
      proven: history.subject.provenOf(ledger, intent),
      certificates: certificatesOfProven(ledger),
      wanted: intent === undefined ? undefined : new Set(intent.body.units.map(({ unit }) => unit)),
      busy: busyUnits(ledger),
      drifting: new Set(Object.keys(ledger.drifts) as UnitKey[]),
      duties: ledger.duties,
      slotByActivation: slotsByActivation(ledger),
      draining: intent?.body.draining === true,
      ...this.#notes,
    };
  }
}
