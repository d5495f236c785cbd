import type { EngineName } from "@sluice/core";
import { type Command, Option } from "commander";
import { ExitSignal } from "../exit-signal.ts";
import type { World } from "../world.ts";

interface DemoOptions {
  readonly engine: EngineName;
  readonly dir?: string;
  readonly keep?: boolean;
  readonly scene?: readonly string[];
}

/** `sluice demo`: seven scenes that have to end as they must. */
export function addDemoVerb(program: Command, world: World): void {
  program
    .command("demo")
    .description(
      "a fleet under load, and six ways to go wrong that are stopped; ends by itself and writes demo-report.json",
    )
    .addOption(
      new Option("--engine <engine>", "what the site proxies run on").choices(["node", "haproxy"]).default("node"),
    )
    .option("--dir <folder>", "where the fleet keeps its data (default: a temporary folder)")
    .option("--keep", "leave the data folder")
    .addHelpText("after", "\nExamples:\n  $ sluice demo\n  $ sluice demo --keep")
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import("./run-demo.ts");
      const ok = await runDemo(world, { engine: options.engine, dir: options.dir, keep: options.keep === true });
      if (!ok) throw new ExitSignal("failed");
    });
}
