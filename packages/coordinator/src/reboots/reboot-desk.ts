import { drainedEnough, judgeReturn, Problem, type RebootAnswer, rebootObstacle, returnWords } from "@sluice/core";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import type { DrainDesk } from "../hosts/drain-desk.ts";
import type { Roster } from "../hosts/roster.ts";
import type { LeaseBook } from "./lease-book.ts";
import type { RebootFacts } from "./reboot-facts.ts";
import type { TurnDesk } from "./turn-desk.ts";

export interface RebootDeskOptions {
  readonly fleets: FleetDesk;
  readonly roster: Roster;
  readonly drains: DrainDesk;
  readonly leases: LeaseBook;
  readonly facts: RebootFacts;
  readonly turns: TurnDesk;
  readonly assertLeading: (what: string) => void;
}

/** Who asks, as a reboot manager says it. */
export interface RebootClient {
  readonly id: string;
  readonly group: string;
}

/** Turns to reboot as reboot managers and operators ask for them: one host of a site at a time, drained before and proven after. */
export class RebootDesk {
  readonly #options: RebootDeskOptions;

  constructor(options: RebootDeskOptions) {
    this.#options = options;
  }

  /** May this host reboot now? Asking again changes nothing; a host that may is told so until it is back. */
  ask(client: RebootClient): RebootAnswer {
    const { drains, leases, facts, assertLeading } = this.#options;
    assertLeading("let a host reboot");
    const host = this.#hostOf(client);
    const lease = leases.of(host);
    if (lease?.order === undefined && lease?.grantedAt !== undefined) return { kind: "yes" };
    const obstacle = rebootObstacle(facts.obstacles(host));
    if (obstacle !== undefined) return obstacle;
    if (lease === undefined) {
      const reason = `reboot asked for by ${client.id} (${client.group})`;
      leases.begin({ host, client: client.id, group: client.group, by: "fleetlock", reason });
    }
    const order = drains.find(host);
    if (order === undefined) throw new Problem("internal", `cannot let ${host} reboot: it has a lease and no drain`);
    const answer = drainedEnough(drains.state(order));
    if (answer.kind === "yes") leases.grant(host);
    return answer;
  }

  /**
   * The host says that it is in its steady state: its turn ends when it is back. Somebody without a turn has none to give
   * back, and the turn of a rollout is the rollout's.
   */
  release(client: RebootClient): RebootAnswer {
    const { leases, facts, assertLeading } = this.#options;
    assertLeading("take back a reboot lease");
    const host = this.#find(client);
    const lease = host === undefined ? undefined : leases.of(host);
    if (lease === undefined || lease.order !== undefined) return { kind: "yes" };
    const answer = judgeReturn(lease, facts.returned(lease));
    if (answer.kind === "yes") leases.end(lease, returnWords);
    return answer;
  }

  /** An operator undrains a host: a turn to reboot that it holds is over as well. Refused while a rollout reboots the host. */
  undrain(asked: { readonly host: string; readonly by: string; readonly reason: string }): void {
    const { leases, turns, drains } = this.#options;
    turns.assertNotWanted(asked.host);
    const lease = leases.of(asked.host);
    drains.undrain(asked, (db) =>
      lease === undefined ? [] : leases.ended(db, lease, `loses its turn to reboot: undrained by ${asked.by}`),
    );
  }

  #hostOf(client: RebootClient): string {
    const host = this.#find(client);
    if (host !== undefined) return host;
    throw new Problem("host-unknown", `no host of the fleet is called '${client.id}', or has it as its reboot id`);
  }

  #find({ id }: RebootClient): string | undefined {
    const { roster, fleets, leases } = this.#options;
    const names = fleets.applied?.fleet.hosts.map(({ name }) => name) ?? [];
    return (
      names.find((name) => name === id) ??
      names.find((name) => roster.find(name).observation?.rebootClientId === id) ??
      leases.all().find(({ client }) => client === id)?.host
    );
  }
}
