/**
 * Migrations in order; the version of a database is the number of migrations it has seen.
 * One that has shipped never changes: what it got wrong is put right by the next one.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    by TEXT NOT NULL,
    sentence TEXT NOT NULL,
    rollout TEXT,
    host TEXT,
    details TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_rollout ON events (rollout, seq) WHERE rollout IS NOT NULL;

  CREATE TABLE fleets (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    files TEXT NOT NULL
  ) STRICT;

  CREATE TABLE releases (
    site TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    pushed_at INTEGER NOT NULL,
    by TEXT NOT NULL,
    PRIMARY KEY (site, version)
  ) STRICT;

  CREATE TABLE unit_releases (
    digest TEXT PRIMARY KEY,
    unit TEXT NOT NULL,
    version TEXT NOT NULL,
    content TEXT NOT NULL
  ) STRICT;

  CREATE TABLE proven (
    host TEXT NOT NULL,
    unit TEXT NOT NULL,
    digest TEXT NOT NULL,
    since INTEGER NOT NULL,
    previous TEXT,
    rollout TEXT NOT NULL,
    PRIMARY KEY (host, unit)
  ) STRICT;

  CREATE TABLE desired (
    host TEXT NOT NULL,
    unit TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (host, unit)
  ) STRICT;

  CREATE TABLE rollouts (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    plan TEXT NOT NULL,
    state TEXT NOT NULL,
    phase TEXT NOT NULL,
    ended_at INTEGER
  ) STRICT;
  CREATE INDEX rollouts_active ON rollouts (number) WHERE ended_at IS NULL;

  CREATE TABLE rollout_units (
    rollout TEXT NOT NULL,
    host TEXT NOT NULL,
    unit TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (host, unit, number)
  ) STRICT;

  CREATE TABLE intents (
    host TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL
  ) STRICT;

  CREATE TABLE hosts_seen (
    host TEXT PRIMARY KEY,
    first_seen INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE probe_tokens (site TEXT PRIMARY KEY, token TEXT NOT NULL) STRICT;

  CREATE TABLE evidence_cursors (
    host TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    epoch_began INTEGER NOT NULL,
    seq INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE evidence_blocks (
    series TEXT NOT NULL,
    starts_at INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    bad INTEGER NOT NULL,
    PRIMARY KEY (series, starts_at)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE evidence_series (
    series TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    stratum TEXT NOT NULL,
    tails TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE evidence_ways (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    binding TEXT NOT NULL,
    binding_port INTEGER NOT NULL,
    hop TEXT NOT NULL,
    probe TEXT NOT NULL,
    UNIQUE (site, binding, binding_port, hop, probe)
  ) STRICT;

  CREATE TABLE traffic_blocks (
    host TEXT NOT NULL,
    site TEXT NOT NULL,
    at INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (host, site, at)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE traffic_cursors (
    host TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    dropped_since INTEGER
  ) STRICT;

  CREATE TABLE probe_rounds (
    host TEXT NOT NULL,
    site TEXT NOT NULL,
    at INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (host, site, at)
  ) STRICT, WITHOUT ROWID;

  DROP TABLE evidence_blocks;
  DROP TABLE evidence_series;
    `,
  `
  CREATE TABLE standing_orders (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (kind, name)
  ) STRICT;
  `,
  `
  CREATE TABLE health_states (
    rollout TEXT PRIMARY KEY,
    state TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE INDEX events_by_host ON events (host, seq) WHERE host IS NOT NULL;
  CREATE INDEX events_by_time ON events (at);

  CREATE TABLE told_gates (rollout TEXT PRIMARY KEY, told TEXT NOT NULL) STRICT;

  CREATE TABLE told_hosts (host TEXT PRIMARY KEY, told TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE pending_units (
    host TEXT NOT NULL,
    unit TEXT NOT NULL,
    since INTEGER NOT NULL,
    alerted_at INTEGER,
    PRIMARY KEY (host, unit)
  ) STRICT;
  `,
  `
  CREATE TABLE probe_cursors (
    host TEXT PRIMARY KEY,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    dropped INTEGER NOT NULL,
    dropped_since INTEGER
  ) STRICT;
  INSERT INTO probe_cursors SELECT host, epoch, seq, 0, NULL FROM evidence_cursors;
  DROP TABLE evidence_cursors;
  `,
  `
  CREATE TABLE one_way_releases (
    site TEXT NOT NULL,
    version TEXT NOT NULL,
    why TEXT NOT NULL,
    by TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (site, version)
  ) STRICT;
  `,
  `
  CREATE TABLE bad_releases (
    environment TEXT NOT NULL,
    unit TEXT NOT NULL,
    digest TEXT NOT NULL,
    sentence TEXT NOT NULL,
    rollout TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (environment, unit, digest)
  ) STRICT;
  `,
  `
  CREATE TABLE alerts (number INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE alert_pages (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE outbox (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE channel_health (channel TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE INDEX rollouts_reverted ON rollouts (ended_at) WHERE phase = 'reverted';
  CREATE INDEX events_restarted ON events (at) WHERE kind = 'unit.restarted';
  `,
  `
  CREATE TABLE agent_programs (
    version TEXT PRIMARY KEY,
    artifact TEXT NOT NULL,
    entry TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    pushed_at INTEGER NOT NULL,
    by TEXT NOT NULL
  ) STRICT;
  `,
];
