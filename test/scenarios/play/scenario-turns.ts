import {
  type DrainedHost,
  type DrainOrder,
  describeTurn,
  drainLimitMs,
  drainNoticeMs,
  type Instant,
  isOut,
  judgeDrain,
  type PlanInput,
  planTurn,
  type RebootLease,
  type RebootTurn,
  rebootObstacle,
  type TurnAct,
  type TurnInput,
  type TurnWanted,
  turnEvent,
  turnsAsked,
  turnsWanted,
} from "@sluice/core";
import { siteIn } from "@sluice/core/rollout/wave";
import type { ScenarioFleet } from "./scenario-fleet.ts";

/** A host that is told to reboot goes down at once. */
const obeysAfterMs = 1000;

/** Turns to reboot of a scenario's hosts: core decides, and a host that is let go goes down for as long as the script says. */
export class ScenarioTurns {
  /** By host: how long its reboot takes. */
  readonly downMs = new Map<string, number>();
  readonly #fleet: ScenarioFleet;
  readonly #leases = new Map<string, RebootLease>();
  readonly #drains = new Map<string, DrainOrder>();
  /** By which boot each host said last that it runs. */
  readonly #boots = new Map<string, string>();

  constructor(fleet: ScenarioFleet) {
    this.#fleet = fleet;
  }

  /** A host speaks, and says by which boot it runs. */
  heard(host: string, bootId: string): void {
    this.#boots.set(host, bootId);
  }

  /** Does what is next about every turn; true when it did anything. */
  advance(): boolean {
    const wanted = turnsWanted(this.#fleet.store.rollouts.filter(({ isEnded }) => isEnded !== true));
    const hosts = new Set([...wanted.map(({ host }) => host), ...this.#leases.keys()]);
    return (
      [...hosts].filter((host) =>
        this.#advance(
          host,
          wanted.find((one) => one.host === host),
        ),
      ).length > 0
    );
  }

  /** As a rollout looks at them. */
  turnsOf({ rollout, state }: Pick<PlanInput, "rollout" | "state">): Readonly<Record<string, RebootTurn>> {
    const asked = turnsAsked({ rollout, state });
    return Object.fromEntries(asked.map((wanted) => [wanted.host, describeTurn(this.#input(wanted.host, wanted))]));
  }

  drained(): readonly DrainedHost[] {
    return [...this.#drains.values()].map(({ host, by, reason }) => {
      const place = this.#fleet.places.find(({ name }) => name === host);
      const sites = this.#fleet.gates.fleet.sites.map(({ name }) => siteIn(name, place?.environment ?? ""));
      return { host, by, reason, sites };
    });
  }

  #advance(host: string, wanted: TurnWanted | undefined): boolean {
    const act = planTurn(this.#input(host, wanted));
    if (act !== undefined) this.#carryOut(act, host);
    return act !== undefined;
  }

  #input(host: string, wanted: TurnWanted | undefined): TurnInput {
    const { time, observations, proven } = this.#fleet;
    const { now } = time;
    const connected = this.#fleet.isConnected(host);
    const drain = this.#drains.get(host);
    const bootId = this.#boots.get(host);
    const seen = observations.get(host)?.units ?? [];
    const notRunning = Object.entries(proven)
      .filter(([key]) => key.startsWith(`${host}/`))
      .map(([key, digest]) => ({ unit: key.slice(host.length + 1), digest }))
      .filter(({ unit, digest }) => seen.find((one) => one.unit === unit)?.running?.digest !== digest);
    return {
      now,
      wanted,
      lease: this.#leases.get(host),
      obstacle: rebootObstacle({
        ...{ now, host, leases: [...this.#leases.values()] },
        sentences: {
          ...(connected ? {} : { host_silent: `${host} is silent: its agent does not report` }),
          ...this.#siteBusy(host),
        },
      }),
      drain: drain && judgeDrain(drain, { now, connected, obeyedSince: drain.at, open: 0 }),
      boot: bootId === undefined ? undefined : { id: bootId, canReboot: true },
      upToDate: false,
      returned: { now, connected, notRunning: notRunning.map(({ unit }) => unit), unhealthy: [] },
    };
  }

  /** Every host of a scenario has every site. */
  #siteBusy(host: string): { readonly site_busy?: string } {
    const other = [...this.#leases.values()].find((lease) => lease.host !== host && isOut(lease));
    return other === undefined ? {} : { site_busy: `${other.host} of the same site has its turn to reboot` };
  }

  #carryOut(act: TurnAct, host: string): void {
    const { time, book } = this.#fleet;
    const at: Instant = time.now;
    const lease = this.#leases.get(host);
    if (act.kind === "begin") {
      const { rollout, order } = act.wanted;
      const begun: RebootLease = { host, client: rollout, group: "rollout", order: { id: order }, at, drains: true };
      const reason = `its turn to reboot by rollout ${rollout}`;
      this.#leases.set(host, begun);
      this.#drains.set(host, { host, by: "coordinator", reason, at, noticeMs: drainNoticeMs, limitMs: drainLimitMs });
      book.add(turnEvent(begun, "asked", at));
      return;
    }
    if (lease?.order === undefined) return;
    if (act.kind === "let-go") {
      this.#leases.set(host, { ...lease, order: { ...lease.order, bootId: act.bootId }, grantedAt: at });
      book.add(turnEvent(lease, "granted", at));
      time.after(obeysAfterMs, () => this.#reboot(host));
      return;
    }
    this.#drains.delete(host);
    if (act.kind === "back") {
      this.#leases.set(host, { ...lease, backAt: at });
      book.add(turnEvent(lease, "back", at));
      return;
    }
    this.#leases.delete(host);
    if (isOut(lease)) book.add(turnEvent(lease, "ended", at, act.why));
  }

  #reboot(host: string): void {
    const one = this.#fleet.hosts.find(({ name }) => name === host);
    one?.reboot(this.downMs.get(host) ?? 0);
  }
}
