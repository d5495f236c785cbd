import { Problem, type ProgramUnit, programRelease, type UnitRelease } from "@sluice/core";
import { sha256Text } from "@sluice/runtime";
import { listPushedAgents, type PushedAgent, readPushedAgent, writePushedAgent } from "../store/agent-programs.ts";
import { appendEvent } from "../store/event-log.ts";
import type { Db } from "../store/store.ts";
import { assertPushable, type ReleaseDeskOptions } from "./release-desk.ts";

export interface AgentPush {
  readonly version: string;
  /** Of the tarball. */
  readonly digest: string;
  readonly bytes: number;
  /** The file of the tarball that Node is started with. */
  readonly entry: string;
  readonly by: string;
}

/** A file below the folder that was packed, as a tarball names it. */
const entryShape = /^(?!\/)(?!(.*\/)?\.\.(\/|$))[^\0\\]{1,200}$/;

/** Versions of the agent: a version names one program for ever. */
export class AgentProgramsDesk {
  readonly #options: Omit<ReleaseDeskOptions, "fleets">;

  constructor(options: Omit<ReleaseDeskOptions, "fleets">) {
    this.#options = options;
  }

  /** Takes a program; nothing runs it by that. Pushing the same again is no change; another one under the same version is refused. */
  async push(request: AgentPush, chunks: AsyncIterable<Uint8Array>): Promise<{ readonly existed: boolean }> {
    const { artifacts, leadership, ids } = this.#options;
    leadership.assertLeading(`push agent '${request.version}'`);
    assertPushable(request);
    if (!entryShape.test(request.entry)) {
      throw new Problem(
        "release-invalid",
        `cannot push agent '${request.version}': its entry '${request.entry}' is no file in it`,
      );
    }
    const isThere = this.#isKnown(request) && (await artifacts.has(request.digest));
    if (!isThere) await artifacts.receive(request, chunks, ids.newId("upload"));
    return { existed: this.#record(request) };
  }

  list(): readonly PushedAgent[] {
    return listPushedAgents(this.#options.store);
  }

  #isKnown({ version, digest, entry }: AgentPush): boolean {
    const known = readPushedAgent(this.#options.store, version);
    if (known === undefined) return false;
    if (known.artifact === digest && known.entry === entry) return true;
    throw new Problem(
      "release-conflict",
      `cannot push agent '${version}': that version is ${known.artifact} started by ${known.entry}, this is ${digest} started by ${entry}`,
      { hint: "a version names one content for ever: push it under a new version" },
    );
  }

  #record(request: AgentPush): boolean {
    const { store, clock, log, onPushed } = this.#options;
    const { version, digest: artifact, bytes, entry, by } = request;
    const existed = store.transact((db) => {
      if (this.#isKnown(request)) return true;
      const at = clock.now();
      writePushedAgent(db, { version, artifact, entry, bytes, pushedAt: at }, by);
      const details = { version, artifact, bytes, entry };
      appendEvent(db, { at, kind: "agent.pushed", by, sentence: `${by} pushed agent ${version}`, details });
      return false;
    });
    if (!existed) log.info({ version, artifact, bytes, entry, by }, "agent.pushed");
    onPushed();
    return existed;
  }
}

/** What was pushed as this version, as a release of the agent or of the keeper; throws `release-unknown` when nobody pushed it. */
export function requireProgram(db: Db, unit: ProgramUnit, version: string): UnitRelease {
  const pushed = readPushedAgent(db, version);
  if (pushed !== undefined)
    return programRelease(unit, version, { artifact: pushed.artifact, entry: pushed.entry }, sha256Text);
  throw new Problem("release-unknown", `cannot find version '${version}' of the ${unit}`, {
    hint: `sluice agent push ${version} FOLDER`,
  });
}
