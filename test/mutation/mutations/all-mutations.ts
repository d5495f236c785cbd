import type { Mutation } from "../mutation.ts";
import { hostMutations } from "./host.ts";
import { keeperMutations } from "./keepers.ts";
import { lostHostMutations } from "./lost-hosts.ts";
import { operatorMutations } from "./operators.ts";
import { programMutations } from "./programs.ts";
import { rebootMutations } from "./reboots.ts";
import { rolloutMutations } from "./rollout.ts";

export const allMutations: readonly Mutation[] = [
  ...rebootMutations,
  ...programMutations,
  ...rolloutMutations,
  ...operatorMutations,
  ...hostMutations,
  ...lostHostMutations,
  ...keeperMutations,
];
