import type { EngineName } from "@sluice/core";
import { type Command, Option } from "commander";
import type { World } from "../world.ts";

interface DevOptions {
  readonly dir?: string;
  readonly stop?: boolean;
  readonly engine: EngineName;
}

/** `sluice dev`: a whole fleet on this machine, until Ctrl-C. */
export function addDevVerb(program: Command, world: World): void {
  program
    .command("dev")
    .description("run a fleet on this machine: coordinator, three hosts, an edge, a sample site; until Ctrl-C")
    .option(
      "--dir <folder>",
      "where it keeps its data (default: .sluice/dev, or a temporary folder when that is too long)",
    )
    .addOption(
      new Option("--engine <engine>", "what proxies and fronts run on").choices(["node", "haproxy"]).default("node"),
    )
    .option("--stop", "stop a dev fleet that was left behind, and everything it started")
    .addHelpText("after", "\nExamples:\n  $ sluice dev\n  $ sluice dev --stop")
    .action(async (options: DevOptions) => {
      const { runDev, stopDev } = await import("./run-dev.ts");
      await (options.stop === true ? stopDev(world, options.dir) : runDev(world, options.dir, options.engine));
    });
}
