import { getPriority, setPriority } from "node:os";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** How far files of a project stand back behind others, as `nice` has it; see vitest.config.ts. */
    niceness: number;
  }
}

// What is started from here on stands back as well. Whoever runs all tests may have told them to stand back further.
setPriority(Math.max(inject("niceness"), getPriority()));
