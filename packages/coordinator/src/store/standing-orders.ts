import {
  canonicalJson,
  type DrainOrder,
  type Freeze,
  type HaltAll,
  type Mute,
  type RebootLease,
  type TestPage,
} from "@sluice/core";
import type { Db } from "./store.ts";

/** What operators ordered that holds until its end or until it is taken back; by kind, each with a name of its own. */
export interface StandingOrders {
  readonly freeze: Freeze;
  readonly mute: Mute;
  readonly "halt-all": HaltAll;
  /** There is one at most. */
  readonly "test-page": TestPage;
  /** By host. */
  readonly drain: DrainOrder;
  /** By host. */
  readonly "reboot-lease": RebootLease;
}
type Kind = keyof StandingOrders;

export function writeOrder<K extends Kind>(db: Db, kind: K, name: string, order: StandingOrders[K]): void {
  db.run(
    "INSERT INTO standing_orders (kind, name, body) VALUES (?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body",
    kind,
    name,
    canonicalJson(order),
  );
}

export function removeOrder(db: Db, kind: Kind, name: string): void {
  db.run("DELETE FROM standing_orders WHERE kind = ? AND name = ?", kind, name);
}

/** By name. */
export function readOrders<K extends Kind>(db: Db, kind: K): readonly StandingOrders[K][] {
  return db
    .all<{ body: string }>("SELECT body FROM standing_orders WHERE kind = ? ORDER BY name", kind)
    .map(({ body }) => JSON.parse(body) as StandingOrders[K]);
}

/** There is one at most. */
const haltAllName = "all";

export const readHaltAll = (db: Db): HaltAll | undefined => readOrders(db, "halt-all")[0];

/** `undefined` lifts it. */
export function writeHaltAll(db: Db, halt: HaltAll | undefined): void {
  if (halt === undefined) removeOrder(db, "halt-all", haltAllName);
  else writeOrder(db, "halt-all", haltAllName, halt);
}

const testPageName = "test";

export const readTestPage = (db: Db): TestPage | undefined => readOrders(db, "test-page")[0];

/** `undefined`: somebody has acknowledged it. */
export function writeTestPage(db: Db, test: TestPage | undefined): void {
  if (test === undefined) removeOrder(db, "test-page", testPageName);
  else writeOrder(db, "test-page", testPageName, test);
}
