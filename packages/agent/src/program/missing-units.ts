import type { ObservedHost, UnitKey } from "@sluice/core";
import { slotSeen } from "@sluice/core/activation/observed-host";
import { isProgramUnit, parseUnit } from "@sluice/core/intent/intent";
import { describeUnit } from "@sluice/core/words/describe-unit";
import type { Ledger } from "../ledger/ledger.ts";
import { liveUnit } from "../reconcile/live-units.ts";

/** Units that are proven and don't run, in words: what a program on trial must not leave behind. */
export function missingUnits({ proven }: Ledger, host: ObservedHost): readonly string[] {
  return Object.entries(proven).flatMap(([key, release]) => {
    const unit = key as UnitKey;
    if (isProgramUnit(unit) || isUp(host, unit)) return [];
    return [`${describeUnit(unit)} ${release.version} does not run`];
  });
}

function isUp(host: ObservedHost, unit: UnitKey): boolean {
  const live = liveUnit(host, unit);
  const parsed = parseUnit(unit);
  if (live === undefined || parsed.kind !== "site") return live !== undefined;
  return live.slot === undefined || slotSeen(host, parsed.site, live.slot)?.alive === true;
}
