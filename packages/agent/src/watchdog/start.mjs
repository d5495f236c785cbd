// JavaScript, so that Node can start it without its TypeScript compiler, which would stay in memory (17 MB).
import { useCompileCache } from "@sluice/runtime/programs/use-compile-cache";

useCompileCache();
await import("./main.ts");
