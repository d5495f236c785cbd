import { runCli } from "../program.ts";
import type { World } from "../world.ts";
import { type FakeAnswers, startFakeCoordinator } from "./fake-coordinator.ts";
import { createTestWorld, type TestWorld } from "./test-world.ts";

export interface Ran {
  readonly exit: number;
  readonly world: TestWorld;
  readonly asked: readonly { readonly method: string; readonly request: unknown }[];
}

/** Runs one command line in `folder` against a coordinator that answers like this. */
export async function runAgainst(
  folder: string,
  answers: FakeAnswers,
  args: readonly string[],
  unusual: Partial<World> = {},
): Promise<Ran> {
  await using coordinator = await startFakeCoordinator(answers);
  const world = createTestWorld({ cwd: folder, env: { SLUICE_COORDINATOR: coordinator.address }, ...unusual });
  return { exit: await runCli(args, world), world, asked: coordinator.asked };
}
