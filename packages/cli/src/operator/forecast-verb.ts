import type { Command } from "commander";
import type { ExitName } from "../exit-codes.ts";
import { forecastExit, forecastsOf, renderForecast } from "../screen/render-forecast.ts";
import { say, sayJson, type World } from "../world.ts";
import { type CoordinatorOptions, withCoordinator } from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { runWithCoordinator } from "./run-with-coordinator.ts";

interface ForecastOptions extends CoordinatorOptions {
  readonly host?: string;
}

/** `sluice forecast`: what would be live on hosts after a reboot and is not now. */
export function addForecastVerb(program: Command, world: World): void {
  withCoordinator(program.command("forecast"))
    .description(
      "what a reboot would change, by every host's own word: exit code 0 when nothing would, 3 when something would, 8 when a host does not say",
    )
    .option("--host <host>", "only one host")
    .addHelpText("after", "\nExamples:\n  $ sluice forecast\n  $ sluice forecast --host web-1 --json")
    .action((options: ForecastOptions) =>
      runWithCoordinator(world, options, (client) => forecast(world, client, options)),
    );
}

async function forecast(world: World, client: CoordinatorClient, options: ForecastOptions): Promise<ExitName> {
  const forecasts = forecastsOf(await client.getStatus({ site: undefined, host: options.host }));
  if (options.json === true) sayJson(world, { hosts: forecasts });
  else say(world, false, renderForecast(forecasts, { nowMs: world.now(), colors: world.colors }));
  return forecastExit(forecasts);
}
