import * as z from "zod";
import { fleetSource } from "./fleet-source.ts";

/**
 * JSON Schema (draft 2020-12) of the fleet file, for editors: what {@link parseFleetFile} checks of the shape.
 * Relations between the pieces can't be said in it.
 */
export function fleetFileJsonSchema(): object {
  return {
    $id: "https://sluice.invalid/schemas/fleet.json",
    title: "Sluice fleet file",
    ...z.toJSONSchema(fleetSource, { io: "input", target: "draft-2020-12" }),
  };
}
