import type { Intent, ObservedHost, UnitKey } from "@sluice/core";
import { acceptingProxies } from "@sluice/core/activation/observed-host";
import { knownReleases } from "../ledger/known-releases.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { CertificateUser } from "./find-renewals.ts";

/** What is gone by: the newest look at the host, and which releases are known. */
export interface UserFacts {
  readonly seen: ObservedHost | undefined;
  readonly ledger: Ledger;
  readonly intent: Intent | undefined;
}

/** Answers who presents certificates, with the same list as long as the same processes run. */
export function openCertificateUsers(facts: () => UserFacts): () => readonly CertificateUser[] {
  let told: { readonly key: string; readonly users: readonly CertificateUser[] } = { key: "", users: [] };
  return () => {
    const { seen, ledger, intent } = facts();
    const units = new Set<UnitKey>((seen?.proxies ?? []).map(({ unit }) => unit));
    const running = [...units].flatMap((unit) => {
      const proxy = seen === undefined ? undefined : acceptingProxies(seen, unit).at(-1);
      return proxy?.certificates === undefined ? [] : [proxy];
    });
    const releases = knownReleases(ledger, intent);
    const key = running.map(({ childId, digest }) => `${childId} ${digest} ${digest in releases}`).join("\n");
    if (key === told.key) return told.users;
    const users = running.flatMap(({ unit, digest }): readonly CertificateUser[] => {
      const content = releases[digest]?.content;
      return content === undefined || !("listeners" in content) ? [] : [{ unit, settings: content }];
    });
    told = { key, users };
    return users;
  };
}
