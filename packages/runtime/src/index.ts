/**
 * What nearly every program needs and nothing heavy. By subpath only: `artifacts/*` (tar), `logs/open-log` (pino).
 */
export * from "./clock/clock.ts";
export * from "./clock/clock-of.ts";
export * from "./clock/manual-clock.ts";
export * from "./clock/node-clock.ts";
export * from "./clock/pace-variable.ts";
export * from "./clock/paced-clock.ts";
export * from "./control/call-control.ts";
export * from "./control/route.ts";
export * from "./control/serve-control.ts";
export * from "./control/wire-problem.ts";
export * from "./digests/sha256.ts";
export * from "./files/durable-file.ts";
export * from "./files/read-document.ts";
export * from "./ids/ids.ts";
export * from "./ids/node-ids.ts";
export * from "./ids/sequential-ids.ts";
export * from "./running/running.ts";
