#!/usr/bin/env node
// JavaScript, so that Node can start it without its TypeScript compiler, which would stay in memory (17 MB) in a program that was
// compiled long ago.
import { setFlagsFromString } from "node:v8";
import { useCompileCache } from "@sluice/runtime/programs/use-compile-cache";

// Every thread of glibc's takes memory from an arena of its own, which keeps what it once needed; an agent has one thread that does
// anything, and sleeps. One thread of V8's beside it is enough as well: every collection wakes all of them, for a millisecond's work. Both
// are read when a program begins, so the agent begins again in place, in some 40 ms. What the host itself says of arenas holds.
const onePoolThread = "--v8-pool-size=1";
if (process.argv[2] === "agent" && process.argv[3] === "run" && !process.execArgv.includes(onePoolThread)) {
  const args = [process.execPath, onePoolThread, ...process.execArgv, ...process.argv.slice(1)];
  process.execve?.(process.execPath, args, { MALLOC_ARENA_MAX: "1", ...process.env });
}

// The part of the heap where objects are born stays at its first size (1 MB). V8 lets it grow to 32 MB and never gives it back before it
// is short of memory; an agent, which makes little and for long, is collected in time without it. What has become old is collected when
// it has grown by a third, not when it has doubled: some 40 ms of work once or twice in two minutes for 16 MB that an agent of twenty
// sites would hold.
// Before the compile cache: what is compiled is good for the settings of V8 that it was compiled under.
if (process.argv[2] === "agent") setFlagsFromString("--semi-space-growth-factor=1");
if (process.argv[2] === "agent") setFlagsFromString("--heap-growing-percent=35");
// Before the rest is loaded: what has been compiled once is not compiled again.
useCompileCache();
// A keeper is kept small: nothing of the command line is loaded for it.
await import(process.argv[2] === "keeper" ? "@sluice/agent/keeper/start" : "./main.ts");
