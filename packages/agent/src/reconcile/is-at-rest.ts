import type { ObservedHost } from "@sluice/core";
import type { Ledger } from "../ledger/ledger.ts";
import { unsettled, unsettledChanges } from "./live-units.ts";

/**
 * Whether nothing is under way on the host: no activation, no process that drains, and every proxy that should answer does.
 * What ends or starts then is told by the keeper, so the host need not be asked often.
 */
export function isAtRest(ledger: Ledger, seen: ObservedHost | undefined): boolean {
  if (seen === undefined || unsettled(ledger).length > 0 || unsettledChanges(ledger).length > 0) return false;
  return (seen.silent ?? []).length === 0 && !seen.proxies.some(({ draining }) => draining);
}
