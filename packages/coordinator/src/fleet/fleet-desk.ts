import { type DurationMs, type Fleet, type Host, Problem, type Site } from "@sluice/core";
import { configureHost, type HostConfiguration } from "@sluice/core/fleet/configure-host";
import { parseFleetFile } from "@sluice/core/fleet/parse-fleet-file";
import { sha256Text } from "@sluice/runtime";
import { type FleetText, readFleetFiles } from "../store/fleets.ts";
import { readProbeTokens } from "../store/probe-tokens.ts";
import type { Store } from "../store/store.ts";

/** A fleet together with what it says about each of its hosts. */
export interface ConfiguredFleet {
  readonly fleet: Fleet;
  /** Throws `host-unknown` for a host that is not in the fleet. */
  readonly configurationOf: (host: string) => HostConfiguration;
}

/** The applied fleet, read from the store at the start and after every apply. */
export class FleetDesk {
  readonly #store: Store;
  readonly #probeEveryMs: DurationMs;
  #applied: ConfiguredFleet | undefined;

  constructor(store: Store, probeEveryMs: DurationMs) {
    this.#store = store;
    this.#probeEveryMs = probeEveryMs;
    this.reload();
  }

  /** Undefined before the first apply. */
  get applied(): ConfiguredFleet | undefined {
    return this.#applied;
  }

  /** Throws `fleet-missing` before the first apply. */
  require(): ConfiguredFleet {
    if (this.#applied !== undefined) return this.#applied;
    throw new Problem("fleet-missing", "no fleet is applied yet", { hint: "sluice apply -f fleet.yaml" });
  }

  isHost(name: string): boolean {
    return this.#applied?.fleet.hosts.some((host) => host.name === name) ?? false;
  }

  site(name: string): Site {
    const { fleet } = this.require();
    const site = fleet.sites.find((candidate) => candidate.name === name);
    if (site !== undefined) return site;
    const names = fleet.sites.map((candidate) => candidate.name).join(", ");
    throw new Problem(
      "site-unknown",
      `cannot find site '${name}' in fleet '${fleet.name}'; there are ${names || "none"}`,
    );
  }

  host(name: string): Host {
    const { fleet } = this.require();
    const host = fleet.hosts.find((candidate) => candidate.name === name);
    if (host !== undefined) return host;
    throw new Problem("host-unknown", `cannot find host '${name}' in fleet '${fleet.name}'`, {
      hint: `hosts: ${fleet.hosts.map((candidate) => candidate.name).join(", ")}`,
    });
  }

  /** Environments up to and with `last`, in order of promotion; all when absent. */
  environmentsTo(last: string | undefined): readonly string[] {
    const names = this.require().fleet.environments.map((environment) => environment.name);
    if (last === undefined) return names;
    const index = names.indexOf(last);
    if (index >= 0) return names.slice(0, index + 1);
    throw new Problem("environment-unknown", `cannot find environment '${last}'; there are ${names.join(", ")}`);
  }

  /** Configures a fleet that may not be applied yet; sites without a token are given a stand-in. */
  configure(fleet: Fleet): ConfiguredFleet {
    const tokens = readProbeTokens(this.#store);
    const known = new Map<string, HostConfiguration>();
    const options = { probeEveryMs: this.#probeEveryMs, probeTokenOf: (site: string) => tokens[site] ?? "" };
    return {
      fleet,
      configurationOf: (host) => {
        const configuration = known.get(host) ?? configureHost(fleet, host, sha256Text, options);
        known.set(host, configuration);
        return configuration;
      },
    };
  }

  /** Reads the newest applied files again. */
  reload(): void {
    const files = readFleetFiles(this.#store);
    this.#applied = files === undefined ? undefined : this.configure(readAgain(files));
  }
}

/** Files that were applied once parsed well; they have to do so again. */
function readAgain(files: readonly FleetText[]): Fleet {
  const parsed = parseFleetFile(files.map(({ name, text }) => ({ file: name, text })));
  if (parsed.kind === "ok") return parsed.fleet;
  throw new Problem(
    "state-corrupt",
    `cannot read the applied fleet: ${parsed.problems[0]?.sentence ?? "it is invalid"}`,
    {
      hint: "run the version of sluice that applied it, or a newer one",
    },
  );
}
