import type { GrantProgress } from "../host/observation.ts";
import { unreachable } from "../units/unreachable.ts";
import type { ActivationState } from "./activation.ts";
import { describeParts } from "./activation-words.ts";

const doingIn = {
  installing: "installing",
  starting: "starting",
  "awaiting-ready": "waiting for readiness of",
  "starting-successors": "starting successors for",
  "probing-before": "probing, before the switch,",
  switching: "switching to",
  "probing-after": "probing, after the switch,",
} as const;

/** What the coordinator is told of a grant; undefined once it is confirmed, because then the proven release speaks. */
export function grantProgress(state: ActivationState, waitingOn: readonly string[] = []): GrantProgress | undefined {
  switch (state.phase) {
    case "installing":
    case "starting":
    case "awaiting-ready":
    case "starting-successors":
    case "probing-before":
    case "switching":
    case "probing-after": {
      const words = [`${doingIn[state.phase]} ${describeParts(state.parts)}`, ...state.notes, ...waitingOn];
      return { kind: "preparing", doing: words.join("; ") };
    }
    case "provisional":
      return { kind: "provisional", switchedAt: state.switchedAt, switchMs: state.switchMs };
    case "restoring":
      return { kind: "preparing", doing: [`going back from ${describeParts(state.parts)}`, ...waitingOn].join("; ") };
    case "clearing":
    case "ended":
      return state.end;
    case "draining":
    case "done":
      return undefined;
    default:
      return unreachable(state);
  }
}

/** True when nothing is left to be done for the grant. */
export const isSettled = (state: ActivationState): boolean => state.phase === "ended" || state.phase === "done";
