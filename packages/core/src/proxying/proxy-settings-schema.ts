import { z } from "zod";
import type { DurationMs } from "../units/time.ts";
import type { FrontSettings, SiteProxySettings, SlotTable } from "./proxy-settings.ts";

const duration = z
  .number()
  .nonnegative()
  .transform((ms) => ms as DurationMs);
const port = z.int().min(1).max(65_535);

const listener = z.strictObject({ bindingPort: port, address: z.string(), port, tls: z.boolean() });

const certificate = z.strictObject({ name: z.string(), certFile: z.string(), keyFile: z.string() });

const binding = z.strictObject({
  name: z.string().min(1),
  kind: z.enum(["internal", "public"]),
  bindingPort: port,
  certificate: certificate.exactOptional(),
});

const limits = z.strictObject({
  headersTimeoutMs: duration,
  keepAliveTimeoutMs: duration,
  requestTimeoutMs: duration,
  headerBytesMax: z.int().positive(),
  connectionsMax: z.int().positive(),
  holdMs: duration,
  connectTimeoutMs: duration,
  responseTimeoutMs: duration,
});

/** The shape of {@link SiteProxySettings} as read from disk or wire; unknown keys are refused. */
export const siteProxySettingsSchema: z.ZodType<SiteProxySettings> = z.strictObject({
  site: z.string().min(1),
  engine: z.enum(["node", "haproxy"]),
  listeners: z.array(listener),
  behindFront: z.boolean(),
  bindings: z.array(binding),
  forward: z.strictObject({ host: z.enum(["preserve", "internal"]), internalName: z.string() }),
  limits,
});

/** The shape of {@link FrontSettings} as read from disk or wire; unknown keys are refused. */
export const frontSettingsSchema: z.ZodType<FrontSettings> = z.strictObject({
  engine: z.enum(["node", "haproxy"]),
  listeners: z.array(listener),
  routes: z.array(binding.extend({ site: z.string().min(1) })),
  limits,
});

const slotTarget = z.strictObject({ host: z.string().min(1), port, release: z.string() });

/** The shape of {@link SlotTable} as read from disk or wire; unknown keys are refused. */
export const slotTableSchema: z.ZodType<SlotTable> = z.strictObject({
  live: z.enum(["blue", "green", "hold"]),
  blue: slotTarget.exactOptional(),
  green: slotTarget.exactOptional(),
  draining: z.literal(true).exactOptional(),
});
