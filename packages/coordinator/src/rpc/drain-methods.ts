import { type DrainOrder, type DrainState, type DurationMs, durationMs, Problem } from "@sluice/core";
import type { HostDrain, OperatorServiceServer } from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { DrainDesk } from "../hosts/drain-desk.ts";
import type { RebootDesk } from "../reboots/reboot-desk.ts";
import { type CallSeams, unary } from "./calls.ts";

export interface DrainMethodsOptions {
  readonly drains: DrainDesk;
  readonly reboots: RebootDesk;
}

/** Leading users away from a host, and letting them come again. */
export function drainMethods(
  { drains, reboots }: DrainMethodsOptions,
  seams: CallSeams,
): Pick<OperatorServiceServer, "drainHost" | "undrainHost"> {
  return {
    drainHost: unary(seams, ({ host, reason, noticeMs, limitMs, anyway }, { principal }) => {
      const times = { noticeMs: given(noticeMs, "notice"), limitMs: given(limitMs, "limit") };
      const order = drains.drain({ host, reason, anyway, by: principal.name, ...times });
      return { drain: wireDrain(order, drains.state(order)) };
    }),
    undrainHost: unary(seams, ({ host, reason }, { principal }) => {
      reboots.undrain({ host, reason, by: principal.name });
      return {};
    }),
  };
}

/** 0 leaves it to the coordinator. */
function given(ms: number, what: string): DurationMs | undefined {
  if (ms < 0) throw new Problem("usage-invalid", `cannot drain with a ${what} of ${ms} ms: it is a length of time`);
  return ms === 0 ? undefined : durationMs(ms);
}

export function wireDrain({ host, by, reason, at, noticeMs, limitMs }: DrainOrder, state: DrainState): HostDrain {
  return { host, by, reason, atMs: at, noticeMs, limitMs, phase: state.phase, sentence: state.sentence };
}
