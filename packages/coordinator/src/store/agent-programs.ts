import type { Instant } from "@sluice/core";
import type { Db } from "./store.ts";

/** A version of the agent that was pushed. */
export interface PushedAgent {
  readonly version: string;
  /** Digest of its tarball. */
  readonly artifact: string;
  /** The file in it that Node is started with. */
  readonly entry: string;
  readonly bytes: number;
  readonly pushedAt: Instant;
}

interface AgentRow {
  readonly version: string;
  readonly artifact: string;
  readonly entry: string;
  readonly bytes: number;
  readonly pushed_at: number;
}

export function readPushedAgent(db: Db, version: string): PushedAgent | undefined {
  const row = db.get<AgentRow>("SELECT * FROM agent_programs WHERE version = ?", version);
  return row === undefined ? undefined : fromRow(row);
}

/** Newest first. */
export function listPushedAgents(db: Db): readonly PushedAgent[] {
  return db.all<AgentRow>("SELECT * FROM agent_programs ORDER BY pushed_at DESC, version DESC").map(fromRow);
}

export function writePushedAgent(db: Db, { version, artifact, entry, bytes, pushedAt }: PushedAgent, by: string): void {
  db.run(
    "INSERT INTO agent_programs (version, artifact, entry, bytes, pushed_at, by) VALUES (?, ?, ?, ?, ?, ?)",
    version,
    artifact,
    entry,
    bytes,
    pushedAt,
    by,
  );
}

const fromRow = ({ version, artifact, entry, bytes, pushed_at }: AgentRow): PushedAgent => ({
  version,
  artifact,
  entry,
  bytes,
  pushedAt: pushed_at as Instant,
});
