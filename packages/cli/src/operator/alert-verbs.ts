import { setTimeout as delay } from "node:timers/promises";
import type {
  AcknowledgeResponse,
  Alert,
  ListAlertsResponse,
} from "@sluice/protocol/generated/sluice/operator/v1/operator";
import type { Command } from "commander";
import type { ExitName } from "../exit-codes.ts";
import { type Reach, reachOf, renderAlerts, renderReach } from "../screen/render-alerts.ts";
import { say, sayJson, type World } from "../world.ts";
import { type CoordinatorOptions, withCoordinator, withReason } from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";

interface ReasonOptions extends CoordinatorOptions {
  readonly reason?: string;
}

/** A receiver has ten seconds to answer; what has not by then is told as such. */
const reachWithinMs = 15_000;
const askEveryMs = 200;

/** `sluice alert list`, `sluice alert test` and `sluice ack`: what is wrong, who can be told, and who looks after it. */
export function addAlertVerbs(program: Command, world: World): void {
  const alert = program.command("alert").description("what is wrong at this moment, and who was told of it");
  withCoordinator(alert.command("list"))
    .description("alerts, pages first, with who was told and who looks after them; then the channels and how they do")
    .addHelpText("after", "\nExample:\n  $ sluice alert list --json")
    .action((options: CoordinatorOptions) =>
      runWithCoordinator(world, options, async (client) => {
        const answer = await client.listAlerts();
        if (options.json === true) sayJson(world, answer);
        else say(world, false, renderAlerts(answer));
        return "done";
      }),
    );
  withReason(withCoordinator(alert.command("test")))
    .description(
      "page whoever is to be paged, and say who was reached; goes up the chain and stays in the status until it is acknowledged; exit code 1 when somebody was not reached",
    )
    .addHelpText("after", '\nExample:\n  $ sluice alert test --reason "monthly test of the phones"')
    .action((options: ReasonOptions) => runWithCoordinator(world, options, (client) => test(world, client, options)));
  withReason(withCoordinator(program.command("ack")))
    .description(
      "say that you look after an alert, or after all alerts of a rollout: nobody else is called; of a rollout that waits for it, that you watch it",
    )
    .argument("<alert|rollout>", "as listed by `sluice alert list`, or the id of a rollout")
    .addHelpText("after", '\nExamples:\n  $ sluice ack a-17 --reason "reading the log"\n  $ sluice ack r-12')
    .action((what: string, options: ReasonOptions) =>
      runWithCoordinator(world, options, async (client) => {
        const answer = await client.acknowledge({ what, reason: options.reason });
        if (options.json === true) sayJson(world, answer);
        for (const line of acknowledgedLines(answer)) say(world, options.json === true, line);
        return "done";
      }),
    );
}

const acknowledgedLines = ({ alerts, rollout }: AcknowledgeResponse): readonly string[] => [
  ...alerts.map(({ id, title, acknowledged }) => `${id} (${title}) is acknowledged by ${acknowledged?.by ?? "nobody"}`),
  ...(rollout === undefined
    ? []
    : [`${rollout.id}: ${rollout.statusLine}; follow it: sluice rollout watch ${rollout.id}`]),
];

async function test(world: World, client: CoordinatorClient, options: ReasonOptions): Promise<ExitName> {
  const asked = await client.testPage(options.reason);
  const { alert, reach } = await reached(world, client, asked);
  if (options.json === true) sayJson(world, { alert, reach });
  else say(world, false, renderReach(alert, reach));
  const isReached = reach.some(({ outcome }) => outcome === "told");
  return isReached && reach.every(({ outcome }) => outcome === "told" || outcome === "later") ? "done" : "failed";
}

/** Asks until every channel has taken the page or failed, or its time is up. */
async function reached(
  world: World,
  client: CoordinatorClient,
  asked: Alert,
): Promise<{ readonly alert: Alert; readonly reach: readonly Reach[] }> {
  const stop = new AbortController();
  using _interrupt = world.onInterrupt(() => stop.abort());
  for (let waitedMs = 0; ; waitedMs += askEveryMs) {
    const answer: ListAlertsResponse = await client.listAlerts();
    // It is gone when somebody acknowledged it meanwhile.
    const alert = answer.alerts.find(({ id }) => id === asked.id) ?? asked;
    const reach = reachOf(alert, answer.channels);
    const isSettled = !reach.some(({ outcome }) => outcome === "waiting");
    if (isSettled || stop.signal.aborted || waitedMs >= reachWithinMs) return { alert, reach };
    await delay(askEveryMs, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}
