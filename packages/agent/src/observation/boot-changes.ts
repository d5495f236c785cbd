import type { UnitKey, UnitRelease } from "@sluice/core";
import { liveSlot } from "@sluice/core/activation/activation-parts";
import { isSettled } from "@sluice/core/activation/describe-activation";
import { slotSeen } from "@sluice/core/activation/observed-host";
import { type BootChange, type BootFacts, type BootUnit, forecastBoot } from "@sluice/core/host/forecast-boot";
import { isProgramUnit, parseUnit } from "@sluice/core/intent/intent";
import { isInstalledByHand } from "@sluice/core/programs/program-release";
import { artifactOf } from "../install/site-content.ts";
import { knownReleases } from "../ledger/known-releases.ts";
import { liveUnit, unsettledChanges } from "../reconcile/live-units.ts";
import type { ObservationInput } from "./build-observation.ts";

/** What a reboot would change here: the host brings back what its own ledger calls proven, whatever is installed. */
export function bootChanges(
  input: ObservationInput,
  units: readonly UnitKey[],
  facts: BootFacts,
): readonly BootChange[] {
  return forecastBoot(
    units.map((unit) => bootUnit(input, unit)),
    facts,
  );
}

function bootUnit(input: ObservationInput, unit: UnitKey): BootUnit {
  const { ledger, intent, seen } = input;
  if (isProgramUnit(unit) && isAsInstalled(ledger.proven[unit])) return { unit, complete: true };
  const boots = ledger.proven[unit] ?? intent?.body.units.find((one) => one.unit === unit)?.proven;
  const digest = liveUnit(seen, unit)?.digest;
  const why = whyOther(input, unit);
  return {
    unit,
    ...(digest === undefined ? {} : { running: { digest, version: versionOf(input, unit, digest) } }),
    ...(boots === undefined ? {} : { boots }),
    complete: boots === undefined || artifactOf(boots) === undefined || seen.installed.includes(boots.digest),
    ...(why === undefined ? {} : { why }),
  };
}

/** Its own files on disk say what it would be; they are compared with the process for whatever runs from them. */
const isAsInstalled = (proven: UnitRelease | undefined): boolean => proven === undefined || isInstalledByHand(proven);

function versionOf({ ledger, intent, seen }: ObservationInput, unit: UnitKey, digest: string): string {
  const known = knownReleases(ledger, intent)[digest]?.version;
  const parsed = parseUnit(unit);
  if (known !== undefined || parsed.kind !== "site") return known ?? digest;
  const slot = liveSlot(seen, parsed.site);
  return (slot === undefined ? undefined : slotSeen(seen, parsed.site, slot)?.version) ?? digest;
}

function whyOther({ ledger }: ObservationInput, unit: UnitKey): string | undefined {
  const activation = Object.values(ledger.activations).find(
    (state) => !isSettled(state) && state.parts.some((part) => part.unit === unit),
  );
  const onTrial = activation ?? (isProgramUnit(unit) ? unsettledChanges(ledger, unit)[0] : undefined);
  return onTrial === undefined ? ledger.drifts[unit]?.sentence : `on trial by grant ${onTrial.grant.id}`;
}
