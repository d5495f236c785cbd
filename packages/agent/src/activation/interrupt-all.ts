import type { Instant, Intent, ObservedHost } from "@sluice/core";
import { planActivation } from "@sluice/core/activation/plan-activation";
import type { Ledger } from "../ledger/ledger.ts";
import { unsettled } from "../reconcile/live-units.ts";
import { processesOf } from "../reconcile/processes.ts";
import { recordStep } from "../reconcile/settle-ledger.ts";
import { noFacts } from "./carry-out.ts";
import { wordOn } from "./step-activation.ts";

/** What a restart of the host means for everything under way: activations are interrupted, break-glass acts are over. */
export function interruptAll(
  ledger: Ledger,
  { now, intent, host }: { readonly now: Instant; readonly intent: Intent | undefined; readonly host: ObservedHost },
): Ledger {
  const facts = { ...noFacts, cold: true };
  const unconfirmed = intent?.body.unconfirmed ?? "revert";
  const { duties } = ledger;
  const start: Ledger = { ...ledger, drifts: {}, processes: processesOf(host) };
  return unsettled(ledger).reduce((so, state) => {
    const word = wordOn(ledger, intent, state);
    return recordStep(so, planActivation({ now, state, word, unconfirmed, duties, host, facts }).next, now);
  }, start);
}
