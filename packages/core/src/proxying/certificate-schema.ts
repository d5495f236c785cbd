import { z } from "zod";
import type { Instant } from "../units/time.ts";
import type { CertificateSet } from "./certificate.ts";

/** The shape of {@link CertificateSet} on disk. */
export const certificateSetSchema: z.ZodType<CertificateSet> = z.record(
  z.string(),
  z.strictObject({ digest: z.string().min(1), validUntil: z.number().transform((ms) => ms as Instant) }),
);
