import { Problem } from "@sluice/core";
import type { Clock, Ids } from "@sluice/runtime";
import type { Log } from "@sluice/runtime/logs/open-log";
import type { FleetDesk } from "../fleet/fleet-desk.ts";
import type { Leadership } from "../leadership.ts";
import { appendEvent } from "../store/event-log.ts";
import { readOneWay } from "../store/one-way-releases.ts";
import {
  listPushedReleases,
  type PushedRelease,
  readPushedRelease,
  writePushedRelease,
} from "../store/site-releases.ts";
import type { Store } from "../store/store.ts";
import type { ArtifactShelf } from "./artifact-shelf.ts";
import { markOneWay } from "./mark-one-way.ts";

export interface ReleaseDeskOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly leadership: Leadership;
  readonly fleets: FleetDesk;
  readonly artifacts: ArtifactShelf;
  /** Told after a release was taken. */
  readonly onPushed: () => void;
}

export interface PushRequest {
  readonly site: string;
  readonly version: string;
  readonly digest: string;
  readonly bytes: number;
  readonly by: string;
  /** Why nothing but a person's word may take it back; absent: nothing new is said about that. */
  readonly oneWay?: string | undefined;
}

/** A release with what was said about going back from it. */
export interface ListedRelease extends PushedRelease {
  readonly oneWay?: string;
}

/** Versions are put into names of folders and environment variables on hosts. */
const versionShape = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,99}$/;

/** Versions of sites: a version names one content for ever. */
export class ReleaseDesk {
  readonly #options: ReleaseDeskOptions;

  constructor(options: ReleaseDeskOptions) {
    this.#options = options;
  }

  /** Takes a release. Pushing the same content again is no change; another content under the same version is refused. */
  async push(request: PushRequest, chunks: AsyncIterable<Uint8Array>): Promise<{ readonly existed: boolean }> {
    const { artifacts, leadership, ids } = this.#options;
    leadership.assertLeading(`push release '${request.version}'`);
    this.#assertSound(request);
    if (this.#isKnown(request) && (await artifacts.has(request.digest))) return { existed: this.#record(request) };
    await artifacts.receive(request, chunks, ids.newId("upload"));
    return { existed: this.#record(request) };
  }

  list(name: string): readonly ListedRelease[] {
    const { store, fleets } = this.#options;
    return listPushedReleases(store, fleets.site(name).name).map((release) => {
      const oneWay = readOneWay(store, release.site, release.version);
      return oneWay === undefined ? release : { ...release, oneWay };
    });
  }

  #assertSound({ site: name, version, digest }: PushRequest): void {
    const site = this.#options.fleets.site(name);
    if (site.run.driver === "external") {
      throw new Problem(
        "release-invalid",
        `cannot push release '${version}' of site '${name}': its driver 'external' brings its own files`,
        {
          hint: `sluice deploy ${name} ${version}`,
        },
      );
    }
    assertPushable({ version, digest });
  }

  #isKnown({ site, version, digest }: PushRequest): boolean {
    const known = readPushedRelease(this.#options.store, site, version);
    if (known === undefined || known.digest === digest) return known !== undefined;
    throw new Problem(
      "release-conflict",
      `cannot push release '${version}' of site '${site}': that version is ${known.digest}, this is ${digest}`,
      {
        hint: "a version names one content for ever: push it under a new version",
      },
    );
  }

  /** Part of one transaction with the look at what is known: two pushes at the same time cannot both be first. */
  #record(request: PushRequest): boolean {
    const { store, clock, log, onPushed } = this.#options;
    const { site, version, digest, bytes, by, oneWay } = request;
    const existed = store.transact((db) => {
      const at = clock.now();
      if (oneWay !== undefined) markOneWay(db, { site, version, why: oneWay, by, at });
      if (this.#isKnown(request)) return true;
      writePushedRelease(db, { site, version, digest, bytes, pushedAt: at }, by);
      appendEvent(db, {
        at,
        kind: "release.pushed",
        by,
        sentence: `${by} pushed ${site} ${version}`,
        details: { sites: [site], version, digest, bytes },
      });
      return false;
    });
    if (!existed) log.info({ site, version, digest, bytes, by, oneWay }, "release.pushed");
    onPushed();
    return existed;
  }
}

/** Throws `release-invalid` or `message-invalid` for a version or digest that nothing can be named by. */
export function assertPushable({ version, digest }: Pick<PushRequest, "version" | "digest">): void {
  if (!versionShape.test(version)) {
    throw new Problem(
      "release-invalid",
      `cannot push release '${version}': a version is 1 to 100 letters, digits, dots, dashes, plus signs or underscores`,
    );
  }
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    throw new Problem(
      "message-invalid",
      `cannot push release '${version}': its digest '${digest}' is not sha256:<64 hex digits>`,
    );
  }
}
