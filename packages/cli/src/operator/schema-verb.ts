import type { Command } from "commander";
import type { World } from "../world.ts";

/** `sluice schema`: what editors complete and check a fleet file with. */
export function addSchemaVerb(program: Command, world: World): void {
  program
    .command("schema")
    .description("print the JSON Schema of the fleet file, for editors")
    .addHelpText("after", "\nExample:\n  $ sluice schema > fleet.schema.json")
    .action(async () => {
      const { fleetFileJsonSchema } = await import("@sluice/core/fleet/fleet-file-schema");
      world.stdout.write(`${JSON.stringify(fleetFileJsonSchema(), undefined, 2)}\n`);
    });
}
