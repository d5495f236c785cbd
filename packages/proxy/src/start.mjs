// JavaScript, so that Node can start it without its TypeScript compiler, which would stay in memory (17 MB) in every site proxy.
import { useCompileCache } from "@sluice/runtime/programs/use-compile-cache";

// Before anything else is loaded: the second start of a proxy on a host then takes half the time of the first.
useCompileCache();
const { runProxy } = await import("./run-proxy.ts");
await runProxy(process.argv.slice(2));
