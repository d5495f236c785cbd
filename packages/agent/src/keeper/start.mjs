// JavaScript, so that Node can start it without its TypeScript compiler, which would stay in memory (17 MB).
import { enableCompileCache } from "node:module";

enableCompileCache();
await import("./main.ts");
