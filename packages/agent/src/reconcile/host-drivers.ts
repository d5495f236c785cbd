import type { ObservedHost, UnitRelease } from "@sluice/core";
import type { BootFacts } from "@sluice/core/host/forecast-boot";
import type { CertificateUser, FoundCertificate } from "../certificates/find-renewals.ts";
import type { FoundDrift } from "../drift/start-drift-watch.ts";
import type { Installer, OwnKeeper, OwnProgram, Prober, Proxies, Slots, WatchProcesses } from "../drivers.ts";

/** Everything by which an agent touches its host. */
export interface HostDrivers {
  readonly installer: Installer;
  readonly slots: Slots;
  readonly proxies: Proxies;
  readonly prober: Prober;
  readonly watch: WatchProcesses;
  /** Removes copies of certificates that are neither among these digests nor presented by a process that there is. */
  readonly pruneCertificates: (keep: ReadonlySet<string>) => Promise<void>;
  /** What lies in the files of the certificates of these proxies and fronts. */
  readonly findRenewals: (users: readonly CertificateUser[]) => readonly FoundCertificate[];
  /** The agent's own program, where a watchdog can start another one; absent: it is changed by hand only. */
  readonly program?: OwnProgram;
  /** The keeper as a program that can be changed; absent: it is changed by hand only. */
  readonly keeper?: OwnKeeper;
  /** Compares what runs with the files it would be started from after a reboot. */
  readonly readBootFacts: () => Promise<BootFacts>;
  /** Looks through the files of engines and of these releases for what was edited by hand. */
  readonly lookForEdits: (releases: readonly UnitRelease[]) => Promise<readonly FoundDrift[]>;
}

/** Asks every process of the host what it is; rejects when the keeper can't be asked. */
export async function observeHost({ installer, slots, proxies, program, keeper }: HostDrivers): Promise<ObservedHost> {
  const [installed, running, serving, keeping] = await Promise.all([
    installer.installed(),
    slots.list(),
    proxies.list(),
    keeper?.seen(),
  ]);
  const silent = await proxies.silent(serving);
  const agent = await program?.seen();
  return {
    installed,
    slots: running,
    proxies: serving,
    ...(silent.length === 0 ? {} : { silent }),
    ...(agent === undefined ? {} : { agent }),
    ...(keeping === undefined ? {} : { keeper: keeping }),
  };
}
