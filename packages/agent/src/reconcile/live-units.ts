import type { ActivationState, ProgramChange, LiveUnit, ObservedHost, SlotName, UnitKey } from "@sluice/core";
import { liveSlot } from "@sluice/core/activation/activation-parts";
import { isSettled } from "@sluice/core/activation/describe-activation";
import { acceptingProxies, slotSeen } from "@sluice/core/activation/observed-host";
import { isProgramChangeSettled } from "@sluice/core/programs/program-change";
import { agentUnit, parseUnit } from "@sluice/core/intent/intent";
import type { Ledger } from "../ledger/ledger.ts";

/** What users of a unit meet at this moment, by the word of the processes; undefined when nothing runs. */
export function liveUnit(host: ObservedHost, unit: UnitKey): LiveUnit | undefined {
  const parsed = parseUnit(unit);
  if (parsed.kind === "agent") return host.agent === undefined ? undefined : { digest: host.agent.digest };
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

/** Changes of the agent's own program that are not over. */
export const unsettledChanges = ({ agentChanges = {} }: Ledger): readonly ProgramChange[] =>
  Object.values(agentChanges).filter((change) => !isProgramChangeSettled(change));

export const sitesOf = (state: ActivationState): readonly string[] =>
  state.parts.flatMap((part) => (part.site === undefined ? [] : [part.site]));

/** Units that an activation is responsible for at this moment. */
export const busyUnits = (ledger: Ledger): ReadonlySet<UnitKey> =>
  new Set<UnitKey>([
    ...unsettled(ledger).flatMap(({ parts }) => parts.map(({ unit }) => unit)),
    ...(unsettledChanges(ledger).length === 0 ? [] : [agentUnit]),
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
