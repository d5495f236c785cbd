import type { SlotTable } from "@sluice/core";
import { Problem } from "@sluice/core";
import { slotTableSchema } from "@sluice/core/proxying/proxy-settings-schema";
import { callControl } from "@sluice/runtime";
import { z } from "zod";

const perSlot = z.object({ blue: z.number(), green: z.number() });

const proxyStatus = z.object({
  build: z.string(),
  pid: z.number(),
  startedAt: z.number(),
  settingsDigest: z.string(),
  accepting: z.boolean(),
  draining: z.boolean(),
  /** A front has none. */
  slots: slotTableSchema.default({ live: "hold" }),
  inFlight: perSlot.default({ blue: 0, green: 0 }),
  upgrades: perSlot.default({ blue: 0, green: 0 }),
  remarks: z.array(z.string()).default([]),
});
/** What the agent reads of a proxy's status; the proxy may say more. */
export type ProxyStatus = z.infer<typeof proxyStatus>;

/** One proxy process over its control socket. Nobody answering is `proxy-unreachable`. */
export interface ProxyControl {
  status(timeoutMs: number, signal?: AbortSignal): Promise<ProxyStatus>;
  accept(): Promise<void>;
  putSlots(slots: SlotTable): Promise<void>;
  drain(order: { readonly graceMs: number; readonly limitMs: number }): Promise<void>;
}

/** Opens no connection until it is asked for something. */
export function proxyControl(socketPath: string): ProxyControl {
  const unreachable = "proxy-unreachable";
  const order = async (method: "POST" | "PUT", url: string, body: unknown): Promise<void> => {
    await callControl(socketPath, method, url, body, { unreachable });
  };
  return {
    async status(timeoutMs, signal) {
      const options = { unreachable, timeoutMs, ...(signal === undefined ? {} : { signal }) } as const;
      const parsed = proxyStatus.safeParse(await callControl(socketPath, "GET", "/status", undefined, options));
      if (parsed.success) return parsed.data;
      throw new Problem("message-invalid", `cannot read the status of the proxy on '${socketPath}'`, {
        cause: parsed.error,
      });
    },
    accept: () => order("POST", "/accept", {}),
    putSlots: (slots) => order("PUT", "/slots", slots),
    drain: (limits) => order("POST", "/drain", limits),
  };
}
