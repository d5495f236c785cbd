import type { Intent, UnitRelease } from "@sluice/core";
import { describeDrift, driftPolicyFor } from "@sluice/core/host/drift";
import { Problem } from "@sluice/core/problems/problem";
import type { Installer } from "../drivers.ts";
import type { FoundDrift } from "./start-drift-watch.ts";

export interface PackedOptions {
  readonly installer: Pick<Installer, "editedIn">;
  readonly intent: Intent | undefined;
  /** Told of what was put back. */
  readonly onHealed: (found: readonly FoundDrift[]) => void;
}

/**
 * Before a release goes live: what was granted is what was packed, so files of it that somebody edited since they were installed
 * are put back first, or, where drift is only reported, nothing of it is started. Throws `release-invalid` then.
 */
export async function assertAsPacked(release: UnitRelease, options: PackedOptions): Promise<void> {
  const found = await options.installer.editedIn(release);
  const [left] = found.filter(({ about }) => driftPolicyFor(options.intent?.body, about) === "report");
  if (left !== undefined) {
    throw new Problem("release-invalid", `cannot start ${release.unit} ${release.version}: ${describeDrift(left)}`, {
      hint: "put the file back, or remove the release's folder and let it be installed again",
    });
  }
  for (const one of found) await one.heal?.();
  if (found.length > 0) options.onHealed(found);
}
