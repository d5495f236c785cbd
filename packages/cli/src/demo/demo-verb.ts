import type { EngineName } from "@sluice/core";
import { type Command, InvalidArgumentError, Option } from "commander";
import { ExitSignal } from "../exit-signal.ts";
import type { World } from "../world.ts";

interface DemoOptions {
  readonly engine: EngineName;
  readonly dir?: string;
  readonly keep?: boolean;
  readonly patience: number;
}

/** `sluice demo`: eight scenes that have to end as they must. */
export function addDemoVerb(program: Command, world: World): void {
  program
    .command("demo")
    .description(
      "a fleet under load, and seven ways to go wrong that are stopped; ends by itself and writes demo-report.json",
    )
    .addOption(
      new Option("--engine <engine>", "what the site proxies run on").choices(["node", "haproxy"]).default("node"),
    )
    .option("--dir <folder>", "where the fleet keeps its data (default: a temporary folder)")
    .option("--keep", "leave the data folder")
    .option("--patience <times>", "how much longer than three minutes it may take, on a busy machine", atLeastOnce, 1)
    .addHelpText("after", "\nExamples:\n  $ sluice demo\n  $ sluice demo --keep")
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import("./run-demo.ts");
      const { engine, dir, keep = false, patience } = options;
      const ok = await runDemo(world, { engine, dir, keep, patience });
      if (!ok) throw new ExitSignal("failed");
    });
}

function atLeastOnce(text: string): number {
  if (!(Number(text) >= 1)) throw new InvalidArgumentError("wanted a number from 1, as 2 for six minutes");
  return Number(text);
}
