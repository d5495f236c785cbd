import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** How a release of a steered site behaves; as it should where nothing is said. */
export interface Behaviour {
  /** Every so many requests of users under a name fail. */
  readonly failEvery?: Readonly<Record<string, number>>;
  /** How long users wait for an answer under a name. */
  readonly delayMs?: Readonly<Record<string, number>>;
  /** Names under which everything is answered 400, as by a web server that is not bound to them. */
  readonly dead?: readonly string[];
  /** Everything but readiness fails, as when the database is gone. */
  readonly down?: boolean;
}

/** Makes all copies of a site behave from their next request on, by release. */
export function steer(file: string, byRelease: Readonly<Record<string, Behaviour>>): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(byRelease));
  renameSync(`${file}.new`, file);
}
