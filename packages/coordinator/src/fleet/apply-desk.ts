import { randomBytes } from "node:crypto";
import type { Fleet, Override } from "@sluice/core";
import type { FleetProblem } from "@sluice/core/fleet/fleet-problem";
import { parseFleetFile } from "@sluice/core/fleet/parse-fleet-file";
import { findUnrepresented } from "@sluice/core/gates/representativeness";
import { assertUnitsFree, launch, type PlannedRollout } from "../rollouts/launch.ts";
import { planSettings } from "../rollouts/plan-settings.ts";
import type { Planning } from "../rollouts/planning.ts";
import { type Asking, assertNotHalted, type RolloutDeskOptions } from "../rollouts/rollout-desk.ts";
import { appendEvent } from "../store/event-log.ts";
import { type FleetText, readFleetFiles, writeFleetFiles } from "../store/fleets.ts";
import { ensureProbeToken } from "../store/probe-tokens.ts";
import { readActiveRollouts } from "../store/rollouts.ts";
import type { Db } from "../store/store.ts";
import { describeChanges, type FleetChange } from "./describe-changes.ts";
import type { ConfiguredFleet } from "./fleet-desk.ts";
import { readProvenReleases } from "./proven-releases.ts";
import { removalProblems } from "./removal-problems.ts";

export interface ApplyRequest extends Asking {
  readonly files: readonly FleetText[];
  readonly overrides: readonly Override[];
}

export interface Applied {
  readonly changes: readonly FleetChange[];
  readonly rollouts: readonly PlannedRollout[];
  /** Gates that stay closed for every rollout until the files are mended. */
  readonly gates: readonly string[];
  /** Nothing was changed when there are problems. */
  readonly problems: readonly FleetProblem[];
}

/** What fleet files would change and do change: all of it or nothing. */
export class ApplyDesk {
  readonly #options: RolloutDeskOptions;

  constructor(options: RolloutDeskOptions) {
    this.#options = options;
  }

  /** The difference to the applied fleet and to what is proven; starts nothing. */
  plan(files: readonly FleetText[]): Applied {
    const parsed = this.#read(files);
    if ("problems" in parsed) return { changes: [], rollouts: [], gates: [], problems: parsed.problems };
    return this.#planned(this.#options.store, parsed.configured, { by: "", overrides: [], files });
  }

  /** Makes the files the fleet and starts the settings rollouts they need. */
  apply(request: ApplyRequest): Applied {
    const { store, fleets, leadership, log, clock, decided } = this.#options;
    leadership.assertLeading("apply the fleet");
    const parsed = this.#read(request.files);
    if ("problems" in parsed) return { changes: [], rollouts: [], gates: [], problems: parsed.problems };
    const applied = store.transact((db) => {
      const planned = this.#planned(db, parsed.configured, request);
      if (planned.rollouts.length > 0) assertNotHalted(db, "start rollouts");
      assertUnitsFree(readActiveRollouts(db), planned.rollouts);
      if (isUnchanged(db, request.files) && planned.rollouts.length === 0) return planned;
      this.#save(db, request, parsed.configured, planned);
      for (const one of planned.rollouts) launch(db, one, { clock, log });
      return planned;
    });
    fleets.reload();
    decided();
    log.info({ by: request.by, rollouts: applied.rollouts.map(({ rollout }) => rollout.id) }, "fleet.applied");
    return applied;
  }

  #read(
    files: readonly FleetText[],
  ): { readonly configured: ConfiguredFleet } | { readonly problems: readonly FleetProblem[] } {
    const { fleets, store } = this.#options;
    const parsed = parseFleetFile(files.map(({ name, text }) => ({ file: name, text })));
    if (parsed.kind === "invalid") return { problems: parsed.problems };
    const configured = fleets.configure(parsed.fleet);
    const removed = removalProblems(
      configured,
      readProvenReleases(store),
      readActiveRollouts(store),
      files[0]?.name ?? "fleet.yaml",
    );
    return removed.length === 0 ? { configured } : { problems: removed };
  }

  #planned(db: Db, configured: ConfiguredFleet, request: ApplyRequest): Applied {
    const { clock, ids, fleets, roster, requestsOn } = this.#options;
    const proven = readProvenReleases(db);
    const planning: Planning = {
      clock,
      ids,
      configured,
      proven,
      by: request.by,
      reason: request.reason,
      overrides: request.overrides,
      observationOf: (host) => roster.find(host).observation,
      requestsOn,
    };
    const rollouts = planSettings(planning);
    const changes = describeChanges(fleets.applied, configured, proven, rollouts);
    return { changes, rollouts, gates: closedGates(configured.fleet), problems: [] };
  }

  #save(db: Db, request: ApplyRequest, { fleet }: ConfiguredFleet, planned: Applied): void {
    const at = this.#options.clock.now();
    writeFleetFiles(db, request.files, request.by, at);
    // A token marks probes and answers who served them; whoever knows it may ask, so it must not be guessed.
    for (const { name } of fleet.sites) ensureProbeToken(db, name, randomBytes(24).toString("hex"));
    const why = request.reason === undefined ? "" : `: ${request.reason}`;
    appendEvent(db, {
      at,
      kind: "fleet.applied",
      by: request.by,
      sentence: `${request.by} applied fleet ${fleet.name}${why}`,
      details: { changes: planned.changes.map(({ sentence }) => sentence), reason: request.reason },
    });
  }
}

function isUnchanged(db: Db, files: readonly FleetText[]): boolean {
  return JSON.stringify(readFleetFiles(db)) === JSON.stringify(files.map(({ name, text }) => ({ name, text })));
}

/** What a rollout would wait for in each environment, whatever it brings. */
function closedGates(fleet: Fleet): readonly string[] {
  const asking = fleet.environments.filter(({ gates }) => gates.representativeness === true).map(({ name }) => name);
  return findUnrepresented(fleet)
    .filter(({ environment }) => asking.includes(environment))
    .map(({ environment, sentence }) => `${environment} is closed by representativeness: ${sentence}`);
}
