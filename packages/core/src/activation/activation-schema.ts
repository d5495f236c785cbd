import { z } from "zod";
import type { UnitKey } from "../intent/intent.ts";
import { grantSchema, unitReleaseSchema } from "../intent/intent-schema.ts";
import { certificateSetSchema } from "../proxying/certificate-schema.ts";
import type { Instant } from "../units/time.ts";
import type { ActivationEnd, ActivationPart, ActivationState } from "./activation.ts";

const at = z.number().transform((ms) => ms as Instant);
const unit = z.string().transform((text) => text as UnitKey);
const slot = z.enum(["blue", "green"]);

const part: z.ZodType<ActivationPart> = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("site"),
    unit,
    site: z.string(),
    release: unitReleaseSchema,
    to: slot,
    from: z.strictObject({ slot, release: unitReleaseSchema }).exactOptional(),
    unchanged: z.boolean(),
  }),
  z.strictObject({
    kind: z.enum(["proxy", "front"]),
    unit,
    site: z.string().exactOptional(),
    release: unitReleaseSchema,
    startWith: certificateSetSchema.exactOptional(),
    startedWith: certificateSetSchema.exactOptional(),
    from: unitReleaseSchema.exactOptional(),
    fromCertificates: certificateSetSchema.exactOptional(),
    unchanged: z.boolean(),
  }),
]);

const failure = z.enum([
  "install",
  "start",
  "ready",
  "probes-before",
  "switch",
  "probes-after",
  "crashed",
  "interrupted",
]);

/** The shape of {@link ActivationEnd}. */
export const endSchema: z.ZodType<ActivationEnd> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("failed"), touchedTraffic: z.boolean(), failure, reason: z.string() }),
  z.strictObject({ kind: z.literal("unconfirmed") }),
  z.strictObject({ kind: z.literal("withdrawn") }),
]);

const subject = { grant: grantSchema, since: at, parts: z.array(part), notes: z.array(z.string()) };
const switched = { successors: z.record(z.string(), z.string()) };

/** The shape of {@link ActivationState} on disk. */
export const activationStateSchema: z.ZodType<ActivationState> = z.discriminatedUnion("phase", [
  z.strictObject({ ...subject, phase: z.literal("installing"), deadline: at }),
  z.strictObject({ ...subject, phase: z.literal("starting"), deadline: at }),
  z.strictObject({ ...subject, phase: z.literal("awaiting-ready"), deadline: at }),
  z.strictObject({ ...subject, phase: z.literal("starting-successors"), deadline: at }),
  z.strictObject({ ...subject, phase: z.literal("probing-before"), deadline: at }),
  z.strictObject({ ...subject, ...switched, phase: z.literal("switching"), startedAt: at, deadline: at }),
  z.strictObject({
    ...subject,
    ...switched,
    phase: z.literal("probing-after"),
    switchedAt: at,
    switchMs: z.number(),
    edgeDeadline: at,
    deadline: at,
  }),
  z.strictObject({ ...subject, ...switched, phase: z.literal("provisional"), switchedAt: at, switchMs: z.number() }),
  z.strictObject({ ...subject, ...switched, phase: z.literal("draining"), deadline: at }),
  z.strictObject({ ...subject, ...switched, phase: z.literal("restoring"), startedAt: at, end: endSchema }),
  z.strictObject({ ...subject, ...switched, phase: z.literal("clearing"), deadline: at, end: endSchema }),
  z.strictObject({ ...subject, phase: z.literal("ended"), at, end: endSchema }),
  z.strictObject({ ...subject, phase: z.literal("done"), at }),
]);
