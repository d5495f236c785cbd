import { z } from "zod";
import { frontSettingsSchema, siteProxySettingsSchema } from "../proxying/proxy-settings-schema.ts";
import type { DurationMs, Instant } from "../units/time.ts";
import type {
  Grant,
  Intent,
  IntentBody,
  ProbedBinding,
  ProgramContent,
  SiteDuties,
  SiteReleaseContent,
  UnitIntent,
  UnitKey,
  UnitRelease,
} from "./intent.ts";

const duration = z
  .number()
  .nonnegative()
  .transform((ms) => ms as DurationMs);
const at = z.number().transform((ms) => ms as Instant);
const words = z.array(z.string().min(1)).min(1);

const unitKey = z
  .string()
  .regex(
    /^(front|agent|keeper|(site|proxy):[a-z0-9][a-z0-9-]*)$/,
    "expected site:<name>, proxy:<site>, front, agent or keeper",
  )
  .transform((text) => text as UnitKey);

const run = z.discriminatedUnion("driver", [
  z.strictObject({ driver: z.literal("process"), command: words, env: z.record(z.string(), z.string()) }),
  z.strictObject({
    driver: z.literal("external"),
    addresses: z.strictObject({ blue: z.string(), green: z.string() }),
    start: words.exactOptional(),
    stop: words.exactOptional(),
  }),
]);

const siteReleaseContent: z.ZodType<SiteReleaseContent> = z.strictObject({
  site: z.string().min(1),
  artifact: z.string().exactOptional(),
  run,
  ready: z.strictObject({ path: z.string(), withinMs: duration }),
});

const programContent: z.ZodType<ProgramContent> = z.strictObject({
  kind: z.enum(["agent-program", "keeper-program"]),
  version: z.string().min(1),
  files: z.strictObject({ artifact: z.string(), entry: z.string().min(1) }).exactOptional(),
});

/** The shape of {@link UnitRelease}; which content is wanted follows from the unit. */
export const unitReleaseSchema: z.ZodType<UnitRelease> = z.strictObject({
  unit: unitKey,
  version: z.string(),
  digest: z.string(),
  content: z.union([siteReleaseContent, siteProxySettingsSchema, frontSettingsSchema, programContent]),
});

const probe = z.strictObject({
  path: z.string().startsWith("/"),
  method: z.enum(["GET", "HEAD", "POST", "OPTIONS"]),
  headers: z.record(z.string(), z.string()),
  body: z.string().exactOptional(),
  expect: z.array(z.int()).min(1),
  contains: z.string().exactOptional(),
  timeoutMs: duration,
});

const probedBinding: z.ZodType<ProbedBinding> = z.strictObject({
  name: z.string().min(1),
  kind: z.enum(["internal", "public"]),
  bindingPort: z.int(),
  address: z.string(),
  port: z.int(),
  tls: z.boolean(),
  shared: z.boolean(),
  edge: z.string().exactOptional(),
});

/** The shape of {@link SiteDuties}. */
export const siteDutiesSchema: z.ZodType<SiteDuties> = z.strictObject({
  site: z.string().min(1),
  forward: z.strictObject({ host: z.enum(["preserve", "internal"]) }),
  drainMs: duration,
  keepPreviousMs: duration,
  probeEveryMs: duration,
  probeToken: z.string(),
  probes: z.array(probe),
  bindings: z.array(probedBinding),
});

const unitIntent: z.ZodType<UnitIntent> = z.strictObject({
  unit: unitKey,
  desired: z.string().exactOptional(),
  proven: unitReleaseSchema.exactOptional(),
  hold: z.array(unitReleaseSchema),
});

/** The shape of {@link Grant}. */
export const grantSchema: z.ZodType<Grant> = z.strictObject({
  id: z.string().min(1),
  rollout: z.string(),
  step: z.string(),
  units: z.array(z.strictObject({ unit: unitKey, digest: z.string() })).min(1),
  kind: z.enum(["activate", "restart", "revert"]),
  confirmBy: at,
  probesBefore: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("required") }),
    z.strictObject({ kind: z.literal("skipped"), by: z.string(), reason: z.string() }),
  ]),
  oneWay: z.string().exactOptional(),
});

/** The shape of {@link IntentBody} as read from disk or wire; unknown keys are refused, so nothing is obeyed half. */
export const intentBodySchema: z.ZodType<IntentBody> = z.strictObject({
  environment: z.string(),
  unconfirmed: z.enum(["revert", "keep"]),
  sites: z.array(siteDutiesSchema),
  units: z.array(unitIntent),
  grants: z.array(grantSchema),
  draining: z.literal(true).exactOptional(),
  reboot: z.strictObject({ id: z.string().min(1), bootId: z.string().min(1) }).exactOptional(),
  drift: z.literal("report").exactOptional(),
  siteDrift: z.record(z.string(), z.enum(["heal", "report"])).exactOptional(),
});

/** The shape of {@link Intent} as kept on a host's disk. */
export const intentSchema: z.ZodType<Intent> = z.strictObject({
  host: z.string().min(1),
  generation: z.int().positive(),
  fence: z.int().nonnegative(),
  digest: z.string(),
  body: intentBodySchema,
});
