import type { ProxyControl } from "@sluice/proxy/control/control-client";
import type { ProxyStatus } from "@sluice/proxy/control/control-messages";
import { answerWithin } from "./answer-within.ts";

/** A proxy's status when it answers within `withinMs`; one that hangs is `proxy-unreachable`. */
export const statusWithin = (control: Pick<ProxyControl, "status">, withinMs: number): Promise<ProxyStatus> =>
  answerWithin(control.status(), withinMs, "how it is");
