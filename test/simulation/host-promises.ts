import type { Ledger } from "@sluice/agent/ledger/ledger";
import {
  type ActivationState,
  type Grant,
  type Intent,
  isSettled,
  parseUnit,
  type SlotName,
  type UnitKey,
} from "@sluice/core";
import { CertificatePromises } from "./certificate-promises.ts";
import { type History, Violation } from "./history.ts";
import { countOpen, type ProxyProcess, type SimMachine, type SlotProcess, type Way } from "./sim-machine.ts";
import { bindingsOf, drainMs, sitesOf } from "./simulated-fleet.ts";
import { type GoingHost, ToGo } from "./to-go.ts";

/** What the checks must see of a host. */
export interface HostTruth extends GoingHost {
  readonly name: string;
  readonly machine: SimMachine;
  readonly disk: { readonly ledger: Ledger; readonly intent: Intent | undefined };
  /** Process or child, and binding, that were answered well before users could reach them. */
  readonly goodBefore: ReadonlySet<string>;
}

/** Called with every release that users of a host begin to reach. */
export type OnServed = (host: string, unit: UnitKey, digest: string) => void;

/**
 * Checks the promises of one host on its processes, never on its agent's words: after every order that is carried out
 * and after every change of what the agent remembers.
 */
export class HostPromises {
  readonly #history: History;
  readonly #host: HostTruth;
  readonly #onServed: OnServed;
  readonly #sites: readonly string[];
  /** What users reached at the last look, by unit: process and digest. */
  #reached: ReadonlyMap<UnitKey, ReadonlyMap<string, string>> = new Map();
  /** What they reach until a process changes. */
  #reachable:
    | { readonly changes: number; readonly units: ReadonlyMap<UnitKey, ReadonlyMap<string, string>> }
    | undefined;
  /** Processes and memory at a beat at which all that is reached was proven. */
  #atRest: { readonly changes: number; readonly ledger: Ledger } | undefined;
  /** Sites (and `front`) that users have been able to reach since the host started. */
  readonly #complete = new Set<string>();
  /** Grants that a restart of the host has cut off. */
  readonly #cutOff = new Set<string>();
  /** What runs and has to, by unit and digest. */
  readonly #toGo = new ToGo();
  #ledger: Ledger | undefined;
  /** Absent: nothing presents a certificate. */
  readonly certificates: CertificatePromises | undefined;
  /** The newest start of the host after which users could reach everything. */
  completeBoot = 0;

  constructor(history: History, host: HostTruth, onServed: OnServed) {
    this.#history = history;
    this.#host = host;
    this.#onServed = onServed;
    this.#sites = sitesOf(history.options);
    this.certificates = history.options.renewals && this.#watchCertificates();
  }

  #watchCertificates(): CertificatePromises {
    return new CertificatePromises({
      ...{ history: this.#history, host: this.#host },
      broken: (promise, what) => this.#broken(promise, what),
      open: () => this.#open(),
      isCutOff: (grant) => this.#cutOff.has(grant),
    });
  }

  #broken(promise: string, what: string): never {
    this.#history.trace.add(`BROKEN ${promise}: ${this.#host.name} ${what}`);
    throw new Violation(`${promise}: ${this.#host.name} ${what}`);
  }

  /** The host has been there for long, or has just started again with what the keeper remembered. */
  hostStarted(): void {
    this.#complete.clear();
    this.#toGo.forget();
    this.#reached = this.#reach();
  }

  hostStops(): void {
    for (const state of this.#open()) this.#cutOff.add(state.grant.id);
  }

  processesChanged(): void {
    this.#checkComplete();
    const reached = this.#reach();
    for (const [unit, processes] of reached) {
      for (const [process, digest] of processes) {
        if (this.#reached.get(unit)?.get(process) !== digest) this.#newlyReached(unit, process, digest);
      }
    }
    this.#reached = reached;
    for (const site of this.#sites) for (const way of this.#host.machine.ways(site)) this.#checkSet(site, way);
    this.certificates?.processesChanged();
    this.memoryChanged();
  }

  /** Promises 1 and 9: nothing is proven by the agent's own word. */
  memoryChanged(): void {
    const { ledger, intent } = this.#host.disk;
    const before = this.#ledger;
    this.#ledger = ledger;
    this.certificates?.memoryChanged();
    if (before?.activations !== ledger.activations) this.#keepsOneWay();
    if (before === undefined || before.proven === ledger.proven) return;
    const reached = this.#reach();
    for (const [unit, { digest }] of Object.entries(ledger.proven)) {
      if (before.proven[unit]?.digest === digest) continue;
      const word = intent?.body.units.find((one) => one.unit === unit)?.proven?.digest;
      if (word !== digest) this.#broken("1", `holds ${unit} ${digest} for proven, the coordinator says ${word}`);
      const found = [...(reached.get(unit as UnitKey)?.values() ?? [])];
      if (found.length > 0 && !found.includes(digest)) {
        this.#broken("1", `takes ${unit} ${digest} for proven, users reach ${found.join(" and ")}`);
      }
    }
  }

  /** What users have met of a one-way release is not taken back by the host itself, but where it restarted or is gone. */
  #keepsOneWay(): void {
    for (const state of Object.values(this.#host.disk.ledger.activations)) {
      if (state.grant.oneWay === undefined || state.phase !== "restoring") continue;
      const { end } = state;
      const mustStay =
        end.kind === "unconfirmed" || (end.kind === "failed" && /^(crashed|probes-after)$/.test(end.failure));
      if (mustStay) this.#broken("one-way", `takes back ${state.grant.id} by itself: ${JSON.stringify(end)}`);
    }
  }

  /** Promises 2 and 9, again and again: what is not proven goes when nothing permits it any more. */
  beat(): void {
    const { machine, disk } = this.#host;
    this.certificates?.beat();
    if (this.#atRest?.changes === machine.changes && this.#atRest.ledger === disk.ledger) return;
    const unproven = new Set<string>();
    let isOnTrial = false;
    for (const [unit, processes] of this.#reach()) {
      for (const digest of processes.values()) {
        if (disk.ledger.proven[unit]?.digest === digest) continue;
        if (this.#mayStay(unit, digest)) isOnTrial = true;
        else unproven.add(`${unit} ${digest}`);
      }
    }
    if (unproven.size === 0 && !isOnTrial) this.#atRest = { changes: machine.changes, ledger: disk.ledger };
    const overdue = this.#toGo.overdue(unproven, this.#host);
    if (overdue === undefined) return;
    const cut = this.#open().some(({ grant }) => this.#cutOff.has(grant.id)) ? "2" : "9";
    this.#broken(cut, `serves ${overdue.key} ${overdue.ms} ms after it had to go`);
  }

  /** A grant that stands, was not cut off and has not ended. */
  #mayStay(unit: UnitKey, digest: string): boolean {
    const { intent, ledger } = this.#host.disk;
    return (intent?.body.grants ?? []).some((grant) => {
      const isOverdue = grant.oneWay === undefined && this.#host.localNow >= grant.confirmBy;
      if (this.#cutOff.has(grant.id) || isOverdue) return false;
      const state = ledger.activations[grant.id];
      return state !== undefined && !("end" in state) && names(grant, unit, digest);
    });
  }

  /** Promise 3: who is still on a slot may stay until the drain limit. */
  stopsSlot(site: string, slot: SlotName): void {
    const { machine } = this.#host;
    const target = machine.slotOf(site, slot);
    const now = this.#history.time.now;
    if (target === undefined) return;
    for (const proxy of machine.proxies.filter(({ unit }) => unit === `proxy:${site}`)) {
      const told = proxy.slots.live === slot && proxy.accepting && !proxy.draining;
      if (told && proxy.slots[slot]?.port === target.target.port) {
        this.#broken("5", `stops ${site} ${slot} while ${proxy.childId} leads users there`);
      }
      const early = proxy.lingers.some(
        (one) => one.slot === slot && one.until > now && now - one.since < drainMs - 100,
      );
      if (early) this.#broken("3", `stops ${site} ${slot} before its users have had ${drainMs} ms`);
    }
    const trial = this.#open().find(
      ({ phase, parts }) =>
        phase === "provisional" &&
        parts.some((part) => part.kind === "site" && part.site === site && part.from?.slot === slot && !part.unchanged),
    );
    if (trial !== undefined)
      this.#broken("back", `stops ${site} ${slot}, to which ${trial.grant.id} may have to go back`);
  }

  /** Promise 3. */
  removesProxy(proxy: ProxyProcess): void {
    const now = this.#history.time.now;
    const isSpare = !proxy.isUp && this.#host.machine.accepting(proxy.unit).some((one) => one !== proxy && one.isUp);
    if (proxy.accepting && !proxy.draining && !isSpare)
      this.#broken("3", `ends ${proxy.childId} while it accepts users`);
    const open = (["blue", "green"] as const).some((slot) => countOpen(proxy.lingers, slot, now) > 0);
    if (open && proxy.drainsUntil !== undefined && now < proxy.drainsUntil - 100) {
      this.#broken("3", `ends ${proxy.childId} ${proxy.drainsUntil - now} ms before its users' time is up`);
    }
  }

  /** Promise 5: once users can reach a site, no order makes that end. */
  #checkComplete(): void {
    const { machine } = this.#host;
    for (const site of this.#sites) {
      const accepting = machine.accepting(`proxy:${site}`);
      const gap = accepting.length === 0 ? "no proxy accepts" : this.#gap(site, accepting);
      if (gap === undefined) this.#complete.add(site);
      else if (this.#complete.has(site)) this.#broken("5", `leaves ${site} unserved: ${gap}`);
    }
    const isFronted = machine.accepting("front").length > 0;
    if (isFronted) this.#complete.add("front");
    else if (this.#complete.has("front")) this.#broken("5", "leaves the shared ports without a front");
    if (this.#complete.size > this.#sites.length) this.completeBoot = machine.boot;
  }

  #gap(site: string, accepting: readonly ProxyProcess[]): string | undefined {
    const now = this.#history.time.now;
    for (const proxy of accepting) {
      const { slot } = this.#host.machine.wayBehind(site, proxy);
      if (slot === undefined) return `${proxy.childId} leads to ${proxy.slots.live}, where nothing of its table runs`;
      if (slot.restarts === 0 && now < slot.readyAt)
        return `${proxy.childId} leads to ${slot.slot}, which is not ready`;
      this.#host.machine.meetUsers(slot);
    }
    return undefined;
  }

  #reach(): ReadonlyMap<UnitKey, ReadonlyMap<string, string>> {
    const { machine } = this.#host;
    if (this.#reachable?.changes === machine.changes) return this.#reachable.units;
    const units = this.#look();
    this.#reachable = { changes: machine.changes, units };
    return units;
  }

  #look(): ReadonlyMap<UnitKey, ReadonlyMap<string, string>> {
    const { machine } = this.#host;
    const reached = new Map<UnitKey, Map<string, string>>();
    const add = (unit: UnitKey, process: string, digest: string): void => {
      const known = reached.get(unit);
      if (known === undefined) reached.set(unit, new Map([[process, digest]]));
      else known.set(process, digest);
    };
    for (const front of machine.accepting("front")) add("front", front.childId, front.digest);
    for (const site of this.#sites) {
      for (const proxy of machine.accepting(`proxy:${site}`)) {
        add(proxy.unit, proxy.childId, proxy.digest);
        const { slot } = machine.wayBehind(site, proxy);
        if (slot !== undefined) add(`site:${site}`, `${slot.target.port}`, slot.digest);
      }
    }
    return reached;
  }

  /** Promises 1 and 6: proven before, or granted and probed under every binding. */
  #newlyReached(unit: UnitKey, process: string, digest: string): void {
    this.#onServed(this.#host.name, unit, digest);
    const { ledger } = this.#host.disk;
    if (ledger.proven[unit]?.digest === digest) return;
    const states = this.#open();
    const cut = states.find(({ grant }) => this.#cutOff.has(grant.id) && names(grant, unit, digest));
    if (cut !== undefined) this.#broken("2", `brings ${unit} ${digest} back after a restart, which was not proven`);
    if (states.some(({ parts }) => parts.some((part) => part.unit === unit && digestBefore(part) === digest))) return;
    const state = states.find(({ grant }) => names(grant, unit, digest));
    if (state === undefined) this.#broken("1", `lets users reach ${unit} ${digest} without a grant`);
    else if (state.grant.probesBefore.kind === "required") this.#probedBefore(unit, process, digest);
  }

  #probedBefore(unit: UnitKey, process: string, digest: string): void {
    const parsed = parseUnit(unit);
    const sites = "site" in parsed ? [parsed.site] : this.#sites;
    for (const site of sites) {
      for (const { name, shared } of bindingsOf(site)) {
        if (parsed.kind === "front" && !shared) continue;
        if (!this.#host.goodBefore.has(`${process}|${name}`)) {
          this.#broken("6", `lets users reach ${unit} ${digest} that was never asked for ${name}`);
        }
      }
    }
  }

  /** Promise 5: what belongs together is reached together. */
  #checkSet(site: string, { proxy, slot }: Way): void {
    if (slot === undefined) return;
    const { ledger } = this.#host.disk;
    const provenOf = (unit: UnitKey): string | undefined => ledger.proven[unit]?.digest;
    const units = { slot: `site:${site}`, proxy: `proxy:${site}` } as const;
    const isNew = (unit: UnitKey, digest: string): Grant | undefined =>
      provenOf(unit) === digest ? undefined : this.#open().find(({ grant }) => names(grant, unit, digest))?.grant;
    const [bySlot, byProxy] = [isNew(units.slot, slot.digest), isNew(units.proxy, proxy.digest)];
    this.#checkPartner(bySlot, units.proxy, proxy, slot);
    this.#checkPartner(byProxy, units.slot, proxy, slot);
  }

  #checkPartner(grant: Grant | undefined, partner: UnitKey, proxy: ProxyProcess, slot: SlotProcess): void {
    if (grant === undefined) return;
    const wanted = grant.units.find(({ unit }) => unit === partner)?.digest;
    const found = partner === proxy.unit ? proxy.digest : slot.digest;
    if (wanted !== undefined && wanted !== found) {
      this.#broken("5", `serves a part of ${grant.id}: ${slot.digest} behind ${proxy.digest}`);
    }
  }

  #open(): readonly ActivationState[] {
    return Object.values(this.#host.disk.ledger.activations).filter((state) => !isSettled(state));
  }
}

const names = ({ units }: Grant, unit: UnitKey, digest: string): boolean =>
  units.some((one) => one.unit === unit && one.digest === digest);

const digestBefore = (part: ActivationState["parts"][number]): string | undefined =>
  part.kind === "site" ? part.from?.release.digest : part.from?.digest;
