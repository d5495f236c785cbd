import type { ExitName } from "../exit-codes.ts";
import { ExitSignal } from "../exit-signal.ts";
import type { World } from "../world.ts";
import type { CoordinatorOptions } from "./common-options.ts";
import { findCoordinatorAddress } from "./coordinator-address.ts";
import { type CoordinatorClient, openCoordinatorClient } from "./coordinator-client.ts";

/** Opens a client for one verb, runs it, and ends the program with the exit it names. */
export async function runWithCoordinator(
  world: World,
  options: CoordinatorOptions,
  act: (client: CoordinatorClient) => Promise<ExitName>,
): Promise<void> {
  using client = openCoordinatorClient(await findCoordinatorAddress(world, options.coordinator), world.user);
  const exit = await act(client);
  if (exit !== "done") throw new ExitSignal(exit);
}
