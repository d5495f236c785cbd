import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { durationMs } from "@sluice/core";
import { createIds, nodeClock } from "@sluice/runtime";
import { openLog } from "@sluice/runtime/logs/open-log";
import { type Coordinator, type CoordinatorOptions, startCoordinator } from "../start-coordinator.ts";
import { TestOperator } from "./operator-client.ts";
import {
  type AgentScript,
  type ScriptedAgent,
  type ScriptedAgentOptions,
  startScriptedAgent,
} from "./scripted-agent.ts";

/** Fast enough for a test, slow enough for a loaded machine: silence takes four of these. */
export const heartbeatMs = durationMs(250);

/** A coordinator with scripted hosts and one operator, all in this process, over real gRPC. */
export interface CoordinatorRig extends AsyncDisposable {
  readonly dataDir: string;
  readonly coordinator: Coordinator;
  readonly operator: TestOperator;
  agent(host: string, script?: AgentScript, options?: Partial<ScriptedAgentOptions>): ScriptedAgent;
  /** Stops the coordinator for good; the data folder stays. */
  stop(): Promise<void>;
  /** Stops the coordinator and starts it again on the same folder, at another port. */
  restart(options?: Partial<CoordinatorOptions>): Promise<void>;
}

export async function startRig(options: Partial<CoordinatorOptions> = {}): Promise<CoordinatorRig> {
  await using opened = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "sluice-coordinator-"));
  opened.defer(() => rm(dataDir, { recursive: true, force: true }));
  let coordinator = await start(dataDir, options);
  let operator = new TestOperator(coordinator.address);
  opened.defer(() => coordinator[Symbol.asyncDispose]());
  opened.defer(() => operator[Symbol.dispose]());
  const agents = opened.use(new AsyncDisposableStack());
  const held = opened.move();
  return {
    dataDir,
    get coordinator() {
      return coordinator;
    },
    get operator() {
      return operator;
    },
    agent: (host, script, more) =>
      agents.use(
        startScriptedAgent({
          host,
          address: () => coordinator.address,
          heartbeatMs: heartbeatMs / 5,
          ...(script === undefined ? {} : { script }),
          ...more,
        }),
      ),
    async stop() {
      operator[Symbol.dispose]();
      await coordinator[Symbol.asyncDispose]();
    },
    async restart(again = {}) {
      operator[Symbol.dispose]();
      await coordinator[Symbol.asyncDispose]();
      coordinator = await start(dataDir, { ...options, ...again });
      operator = new TestOperator(coordinator.address);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

function start(dataDir: string, options: Partial<CoordinatorOptions>): Promise<Coordinator> {
  return startCoordinator({
    dataDir,
    listen: { host: "127.0.0.1", port: 0 },
    clock: nodeClock,
    ids: createIds(nodeClock),
    log: openLog({ name: "coordinator", level: "silent" }),
    heartbeatMs,
    probeEveryMs: durationMs(20),
    ...options,
  });
}

export interface FleetShape {
  readonly approval?: string;
  /** More gates of production, as the fleet file writes them. */
  readonly gates?: string;
  /** Acceptance has no public name. */
  readonly internalOnly?: boolean;
  readonly forward?: "preserve" | "internal";
  readonly soakMs?: number;
  readonly maxWait?: string;
  readonly sites?: readonly string[];
  readonly shared?: boolean;
  readonly probePath?: string;
  readonly waves?: string;
  /** How copies of the sites are run; by somebody else unless told otherwise. */
  readonly run?: string;
  /** More keys of production, as the fleet file writes them. */
  readonly production?: string;
}

/** A fleet of two environments (`at-1`; `web-1`, `web-2`) whose sites need no files of their own. */
export function fleetText(shape: FleetShape = {}): string {
  const {
    approval,
    gates,
    internalOnly = false,
    forward = "preserve",
    soakMs = 20,
    maxWait = "30s",
    sites = ["shop"],
    shared = false,
    probePath = "/healthz",
    waves = "1, 100%",
    run = '{ driver: external, addresses: { blue: "127.0.0.1:1", green: "127.0.0.1:2" } }',
    production,
  } = shape;
  return [
    "fleet: acme",
    "environments:",
    `  - { name: acceptance, hosts: [at-1], gates: { soak: ${soakMs}ms, maxWait: ${maxWait} } }`,
    "  - name: production",
    "    hosts: [web-1, web-2]",
    `    waves: [${waves}]`,
    ...(production === undefined ? [] : [`    ${production}`]),
    `    gates: { soak: ${soakMs}ms, maxWait: ${maxWait}${approval === undefined ? "" : `, approval: [${approval}]`}${gates === undefined ? "" : `, ${gates}`} }`,
    ...(shared ? ["sharedPorts: [80]"] : []),
    "defaults: { health: { warmUp: 0s, minBake: 0s } }",
    "sites:",
    ...sites.flatMap((site, index) =>
      siteText(site, run, shared ? 80 : 8080 + index, forward, probePath, internalOnly),
    ),
    "",
  ].join("\n");
}

function siteText(
  site: string,
  run: string,
  port: number,
  forward: string,
  probePath: string,
  internalOnly: boolean,
): readonly string[] {
  return [
    `  ${site}:`,
    `    run: ${run}`,
    `    forward: { host: ${forward} }`,
    "    bindings:",
    "      acceptance:",
    `        - { name: ${site}.at.internal, kind: internal, port: ${port} }`,
    ...(internalOnly
      ? []
      : [
          `        - { name: www.${site}.at.example, kind: public, port: ${port}, edge: "http://www.${site}.at.example" }`,
        ]),
    "      production:",
    `        - { name: ${site}.internal, kind: internal, port: ${port} }`,
    `        - { name: www.${site}.example, kind: public, port: ${port}, edge: "http://www.${site}.example" }`,
    `    probes: [{ path: ${probePath}, expect: 200 }]`,
  ];
}
