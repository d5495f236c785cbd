import type { ExitName } from "../exit-codes.ts";
import { say, sayJson, type World } from "../world.ts";
import type { CoordinatorOptions, FollowingOptions } from "./common-options.ts";
import type { CoordinatorClient } from "./coordinator-client.ts";
import { followRollouts } from "./follow-rollouts.ts";

/** What a verb does once its rollouts have started: follow them, or name them and leave with `--detach`. */
export async function leaveOrFollow(
  world: World,
  client: CoordinatorClient,
  ids: readonly string[],
  options: CoordinatorOptions & FollowingOptions,
): Promise<ExitName> {
  const json = options.json === true;
  if (options.detach !== true) {
    return followRollouts(world, client, ids, {
      json,
      hasAnswered: true,
      ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
    });
  }
  for (const id of ids) {
    say(world, json, `${id} has started; follow it: sluice rollout watch ${id}`);
    if (json) sayJson(world, { kind: "started", id });
  }
  return "done";
}
