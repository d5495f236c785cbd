import { fileURLToPath } from "node:url";
import { readBootFacts } from "./boot/read-boot-facts.ts";
import { findRenewals } from "./certificates/find-renewals.ts";
import { editedKeeperState } from "./drift/edited-keeper-state.ts";
import { openInstaller } from "./install/open-installer.ts";
import { ensureKeeperRunning, keeperSocketOf } from "./keeper/ensure-keeper-running.ts";
import { followKeeper } from "./keeper/follow-keeper.ts";
import { openKeeper } from "./keeper/keeper-client.ts";
import type { KeeperPatience } from "./keeper/keeper-patience.ts";
import { openOwnKeeper } from "./keeper/open-own-keeper.ts";
import { openProber } from "./probing/open-prober.ts";
import { openOwnProgram } from "./program/open-own-program.ts";
import { openProxies } from "./proxies/open-proxies.ts";
import type { HostDrivers } from "./reconcile/host-drivers.ts";
import type { AgentCredentials } from "./session/agent-credentials.ts";
import { fetchArtifact } from "./session/fetch-artifact.ts";
import { openSlots } from "./slots/open-slots.ts";
import type { AgentOptions } from "./start-agent.ts";

/** The packages stand side by side, and Node runs them from where they are. */
const codeDir = fileURLToPath(new URL("../../", import.meta.url));

/** The real processes, disk and network of this host; resolves when a keeper answers. */
export async function openDrivers(
  options: AgentOptions & { readonly version: string },
  credentials: AgentCredentials,
  patience?: KeeperPatience,
): Promise<HostDrivers> {
  const { watchdog: word, version } = options;
  const { host, dataDir, clock, log, ids, coordinator, caFile, acceptSelfSigned } = options;
  const keeper = openKeeper(keeperSocketOf(dataDir), patience === undefined ? {} : { patience });
  const ownKeeper = openOwnKeeper({ dataDir, keeper, isAgentPushed: word?.digest !== undefined });
  const logged = { log: (event: string, fields: object) => log.info(fields, event) };
  const ensureRunning = () => ensureKeeperRunning({ dir: dataDir, ...logged, command: ownKeeper.startCommand });
  await ensureRunning();
  const startedAt = clock.now();
  const onFailure = (err: unknown) => log.warn({ err }, "keeper.not-followed");
  const installer = openInstaller({
    dataDir,
    keeper,
    fetchArtifact: (digest, toFile, signal) => fetchArtifact({ coordinator, credentials }, digest, toFile, signal),
  });
  const proxies = openProxies({ keeper, dataDir, host, clock });
  return {
    installer,
    watch: (news) => followKeeper({ keeper, ensureRunning, clock, onFailure }, news),
    readBootFacts: () => readBootFacts({ keeper, agentStartedAt: startedAt, codeDir, keeperFile: ownKeeper.startFile }),
    slots: openSlots({ keeper, dataDir, clock }),
    proxies,
    pruneCertificates: (keep) => proxies.pruneCertificates(keep),
    findRenewals: (users) => findRenewals(users, clock.now()),
    keeper: ownKeeper,
    ...(word === undefined ? {} : { program: openOwnProgram({ dataDir, word, version, clock }) }),
    lookForEdits: async (releases) => [
      ...(await editedKeeperState(dataDir, keeper)),
      ...(await proxies.edited()),
      ...(await installer.edited(releases)),
    ],
    prober: openProber({
      host,
      clock,
      ids,
      ...(caFile === undefined ? {} : { caFile }),
      ...(acceptSelfSigned === undefined ? {} : { acceptSelfSigned }),
    }),
  };
}
