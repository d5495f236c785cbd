import { join, resolve } from "node:path";
import { type CallOptions, type ClientUnaryCall, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { Problem } from "@sluice/core";
import { fromServiceError } from "@sluice/protocol";
import { LocalServiceClient } from "@sluice/protocol/generated/sluice/local/v1/local";
import type { HostObservation } from "@sluice/protocol/generated/sluice/types/v1/host";
import type { Command } from "commander";
import { renderTable } from "../screen/render-table.ts";
import { say, sayJson, type World } from "../world.ts";

interface LocalOptions {
  readonly data: string;
  readonly json?: boolean;
  readonly reason?: string;
}

/** Where an installed agent keeps its data. */
const defaultDataFolder = "/var/lib/sluice";

const answerWithinMs = 60_000;

/** `sluice local …`: for the person logged in on a host, over the agent's unix socket, without a coordinator. */
export function addLocalVerbs(program: Command, world: World): void {
  const local = program
    .command("local")
    .description("on a host: look and, in an emergency, act without the coordinator");
  withData(local.command("status"))
    .description("what the agent of this host sees")
    .addHelpText("after", "\nExample:\n  $ sluice local status --data /var/lib/sluice")
    .action((options: LocalOptions) => status(world, options));
  withData(local.command("switch"))
    .description("make the other slot of a site live, if it is ready; recorded and shown as drift")
    .argument("<site>", "a site on this host")
    .requiredOption("--reason <text>", "why; recorded and reported")
    .addHelpText("after", '\nExample:\n  $ sluice local switch shop --reason "coordinator is down, 2.4.0 loses orders"')
    .action((site: string, options: LocalOptions) =>
      act(world, options, (client, reason) => ask(client.switch.bind(client), { site, reason, by: world.user })),
    );
  withData(local.command("revert"))
    .description("go back to the proven release of a unit; recorded and shown as drift")
    .argument("<unit>", "site:NAME, proxy:SITE or front")
    .requiredOption("--reason <text>", "why; recorded and reported")
    .addHelpText("after", '\nExample:\n  $ sluice local revert site:shop --reason "coordinator is down"')
    .action((unit: string, options: LocalOptions) =>
      act(world, options, (client, reason) => ask(client.revert.bind(client), { unit, reason, by: world.user })),
    );
}

function withData(command: Command): Command {
  return command
    .option("--data <folder>", "the agent's data folder", defaultDataFolder)
    .option("--json", "only JSON on stdout, words on stderr");
}

async function status(world: World, options: LocalOptions): Promise<void> {
  await withAgent(world, options, async (client) => {
    const answer = await ask(client.getStatus.bind(client), {});
    if (options.json === true) sayJson(world, answer);
    else if (answer.observation === undefined) say(world, false, "the agent has not observed anything yet");
    else say(world, false, renderObservation(answer.observation, answer.coordinatorConnected));
  });
}

async function act(
  world: World,
  options: LocalOptions,
  call: (client: LocalServiceClient, reason: string) => Promise<{ readonly sentence: string }>,
): Promise<void> {
  await withAgent(world, options, async (client) => {
    const answer = await call(client, options.reason ?? "");
    if (options.json === true) sayJson(world, answer);
    else say(world, false, answer.sentence);
  });
}

async function withAgent(
  world: World,
  options: LocalOptions,
  use: (client: LocalServiceClient) => Promise<void>,
): Promise<void> {
  const socket = join(resolve(world.cwd, options.data), "agent", "agent.sock");
  const client = new LocalServiceClient(`unix:${socket}`, credentials.createInsecure());
  try {
    await use(client);
  } catch (error) {
    throw agentProblem(error, socket);
  } finally {
    client.close();
  }
}

type UnaryCall<Q, A> = (
  request: Q,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: A) => void,
) => ClientUnaryCall;

function ask<Q, A>(call: UnaryCall<Q, A>, request: Q): Promise<A> {
  return new Promise((resolveAnswer, reject) => {
    call(request, new Metadata(), { deadline: Date.now() + answerWithinMs }, (error, answer) => {
      if (error === null) resolveAnswer(answer);
      else reject(error);
    });
  });
}

function agentProblem(error: unknown, socket: string): Problem {
  const problem = fromServiceError(error, "agent-unreachable");
  if (problem.reason !== "agent-unreachable" || problem.message !== "no answer") return problem;
  return new Problem("agent-unreachable", `cannot reach the agent of this host at ${socket}`, {
    hint: "name its data folder with --data FOLDER; only its own user may open the socket",
    cause: problem.cause,
  });
}

function renderObservation(observation: HostObservation, connected: boolean): string {
  const rows = observation.units.map((unit) => [
    unit.unit,
    short(unit.desired),
    unit.installed.map(short).join(", "),
    unit.running === undefined
      ? "-"
      : `${unit.running.version}${unit.running.slot === undefined ? "" : ` (${unit.running.slot})`}`,
    short(unit.proven),
    unit.reasons.join("; "),
  ]);
  const link = connected ? "connected to its coordinator" : "without a coordinator";
  const head = `host ${observation.host}, generation ${observation.generation}, ${link}`;
  return [
    head,
    renderTable(["UNIT", "DESIRED", "INSTALLED", "RUNNING", "PROVEN", "REASONS"], rows),
    ...observation.remarks.map((remark) => `! ${remark}`),
  ].join("\n");
}

/** Enough of a digest to tell releases apart. */
const short = (digest: string | undefined): string =>
  digest === undefined ? "-" : digest.replace(/^sha256:/, "").slice(0, 12);
