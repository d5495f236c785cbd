import type { ActivationState, LiveUnit, ObservedHost, ProgramChange, SlotName, UnitKey } from "@sluice/core";
import { liveSlot } from "@sluice/core/activation/activation-parts";
import { isSettled } from "@sluice/core/activation/describe-activation";
import { acceptingProxies, slotSeen } from "@sluice/core/activation/observed-host";
import { isProgramUnit, type ProgramUnit, parseUnit } from "@sluice/core/intent/intent";
import { isProgramChangeSettled, unitOf } from "@sluice/core/programs/program-change";
import type { Ledger } from "../ledger/ledger.ts";

/** What users of a unit meet at this moment, by the word of the processes; undefined when nothing runs. */
export function liveUnit(host: ObservedHost, unit: UnitKey): LiveUnit | undefined {
  if (isProgramUnit(unit)) {
    const program = host[unit];
    return program === undefined ? undefined : { digest: program.digest };
  }
  const parsed = parseUnit(unit);
  if (parsed.kind !== "site") {
    const proxy = acceptingProxies(host, unit).at(-1);
    if (proxy === undefined) return undefined;
    const { digest, certificates } = proxy;
    return { digest, ...(certificates === undefined ? {} : { certificates }) };
  }
  const slot = liveSlot(host, parsed.site);
  const seen = slot === undefined ? undefined : slotSeen(host, parsed.site, slot);
  return seen === undefined ? undefined : { digest: seen.digest, slot: seen.slot };
}

/** Activations that still have something to do. */
export const unsettled = (ledger: Ledger): readonly ActivationState[] =>
  Object.values(ledger.activations).filter((state) => !isSettled(state));

/** Grants for programs of Sluice's own, by id. */
export const changesOf = ({ agentChanges, keeperChanges }: Ledger): Readonly<Record<string, ProgramChange>> => ({
  ...agentChanges,
  ...keeperChanges,
});

/** Changes of programs of Sluice's own that are not over: of all of them, or of one. */
export const unsettledChanges = (ledger: Ledger, unit?: ProgramUnit): readonly ProgramChange[] =>
  Object.values(changesOf(ledger)).filter(
    (change) => !isProgramChangeSettled(change) && (unit === undefined || unitOf(change) === unit),
  );

export const sitesOf = (state: ActivationState): readonly string[] =>
  state.parts.flatMap((part) => (part.site === undefined ? [] : [part.site]));

/** Units that an activation is responsible for at this moment. */
export const busyUnits = (ledger: Ledger): ReadonlySet<UnitKey> =>
  new Set<UnitKey>([
    ...unsettled(ledger).flatMap(({ parts }) => parts.map(({ unit }) => unit)),
    ...unsettledChanges(ledger).map(unitOf),
  ]);

const switchedPhases: readonly ActivationState["phase"][] = ["switching", "probing-after", "provisional", "draining"];

/** The slots that ought to be live, by site, while an activation is responsible for it: the new one from the switch on. */
export function slotsByActivation(ledger: Ledger): Readonly<Record<string, SlotName | "hold">> {
  const slots = new Map<string, SlotName | "hold">();
  for (const state of unsettled(ledger)) {
    for (const part of state.parts) {
      if (part.kind !== "site" || part.unchanged || slots.has(part.site)) continue;
      slots.set(part.site, switchedPhases.includes(state.phase) ? part.to : (part.from?.slot ?? "hold"));
    }
  }
  return Object.fromEntries(slots);
}
