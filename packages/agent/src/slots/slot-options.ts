import type { Clock } from "@sluice/runtime";
import type { KeeperClient } from "../keeper/keeper-client.ts";

export interface SlotsOptions {
  readonly keeper: KeeperClient;
  readonly dataDir: string;
  readonly clock: Clock;
}
