// JavaScript, so that Node can start it without its TypeScript compiler, which would stay in memory (17 MB).
import { useCompileCache } from "@sluice/runtime/programs/use-compile-cache";

useCompileCache();
const { runKeeper } = await import("./main.ts");
// As a file of its own, or as \`sluice keeper …\`.
const args = process.argv.slice(2);
await runKeeper(args[0] === "keeper" ? args.slice(1) : args);
