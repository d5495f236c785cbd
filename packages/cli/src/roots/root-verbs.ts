import type { Command } from "commander";
import { wholeNumber } from "../operator/common-options.ts";
import type { World } from "../world.ts";

/** `sluice coordinator run` and `sluice agent run`: the long-running programs, started by systemd or by hand. */
export function addRootVerbs(program: Command, world: World): void {
  program
    .command("coordinator")
    .description("the program that moves rollouts")
    .command("run")
    .description("run a coordinator until SIGTERM; logs JSON lines to stderr")
    .requiredOption("--data <folder>", "where it keeps its event log and releases")
    .option("--listen <host:port>", "where agents and operators reach it", "127.0.0.1:7420")
    .option("--probe-every <duration>", "")
    .option("--log-file <file>", "log there instead of stderr")
    .addHelpText(
      "after",
      "\nExample:\n  $ sluice coordinator run --data /var/lib/sluice-coordinator --listen 127.0.0.1:7420",
    )
    .action(() => {
      void world;
      void wholeNumber;
    });
}
