import { z } from "zod";
import { endSchema } from "../activation/activation-schema.ts";
import { grantSchema, unitReleaseSchema } from "../intent/intent-schema.ts";
import type { Instant } from "../units/time.ts";
import type { KeeperFile } from "./plan-keeper-file.ts";
import type { ProgramFile, ProgramToStart } from "./plan-program-file.ts";
import type { ProgramChange } from "./program-change.ts";

const at = z.number().transform((ms) => ms as Instant);
const kept = z.strictObject({ sockets: z.array(z.string()), children: z.record(z.string(), z.number()) });
const keeping = { kept: kept.exactOptional() };
const subject = { grant: grantSchema, since: at, release: unitReleaseSchema };

/** The shape of {@link ProgramChange} on disk. */
export const programChangeSchema: z.ZodType<ProgramChange> = z.discriminatedUnion("phase", [
  z.strictObject({ ...subject, phase: z.literal("installing"), deadline: at }),
  z.strictObject({ ...subject, phase: z.literal("trying"), deadline: at }),
  z.strictObject({
    ...{ ...subject, phase: z.literal("changing-over"), startedAt: at, deadline: at, ...keeping },
    by: z.strictObject({ pid: z.number(), startedAtMs: z.number() }).exactOptional(),
  }),
  z.strictObject({ ...subject, phase: z.literal("on-trial"), startedAt: at, deadline: at, ...keeping }),
  z.strictObject({ ...subject, phase: z.literal("provisional"), switchedAt: at, switchMs: z.number() }),
  z.strictObject({ ...subject, phase: z.literal("handing-back"), deadline: at, end: endSchema }),
  z.strictObject({ ...subject, phase: z.literal("ended"), at, end: endSchema }),
  z.strictObject({ ...subject, phase: z.literal("done"), at }),
]);

const toStart = {
  digest: z.string(),
  release: z.string(),
  files: z.strictObject({ artifact: z.string(), entry: z.string() }).exactOptional(),
};

const proven: z.ZodType<ProgramToStart> = z.strictObject(toStart);

/** The shape of {@link ProgramFile}. */
export const programFileSchema: z.ZodType<ProgramFile> = z.strictObject({
  version: z.literal(1),
  proven: proven.exactOptional(),
  trial: z.strictObject({ ...toStart, grant: z.string(), confirmBy: at, isReported: z.boolean() }).exactOptional(),
});

/** The shape of {@link KeeperFile}. */
export const keeperFileSchema: z.ZodType<KeeperFile> = z.strictObject({
  version: z.literal(1),
  proven: proven.exactOptional(),
  installed: z.string().exactOptional(),
});
