import { Problem } from "@sluice/core";
import { appendEvent } from "../store/event-log.ts";
import { type OneWayRelease, writeOneWay } from "../store/one-way-releases.ts";
import type { Db } from "../store/store.ts";

/** Notes that a version is one-way, with an event. Part of the caller's transaction; throws when nobody says why. */
export function markOneWay(db: Db, release: OneWayRelease): void {
  const { site, version, why, by, at } = release;
  if (why.trim() === "") {
    throw new Problem("reason-missing", `cannot call ${site} ${version} one-way without a reason`, {
      hint: '--one-way "what can\'t be undone"',
    });
  }
  if (!writeOneWay(db, release)) return;
  const sentence = `${by} says that ${site} ${version} is one-way, so that health does not take it back: ${why}`;
  appendEvent(db, { at, kind: "release.one-way", by, sentence, details: { sites: [site], version, why } });
}
