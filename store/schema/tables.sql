-- The tables of a case, schema version 1.
-- Every table but `chain` and `sqlar` carries `seq`: the chain entry of the transaction that stored the row. The deferred key makes
-- a row without its chain entry impossible to commit. Times end in _ms: epoch milliseconds UTC. Nothing is ever updated or deleted;
-- guards.py derives the triggers that refuse it from every unique key below.

CREATE TABLE chain (
  seq INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  writer TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('append', 'seal')),
  prev TEXT REFERENCES chain (head),
  rows INTEGER NOT NULL CHECK (rows > 0),
  digest TEXT NOT NULL,
  schema_sha256 TEXT NOT NULL,
  head TEXT NOT NULL UNIQUE,
  CHECK ((seq = 1) = (prev IS NULL))
) STRICT;

CREATE TABLE case_info (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  case_id TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  drill INTEGER NOT NULL CHECK (drill IN (0, 1)),
  created_ms INTEGER NOT NULL,
  operator TEXT NOT NULL,
  machine TEXT NOT NULL,
  format_reader INTEGER NOT NULL,
  format_writer INTEGER NOT NULL,
  program_version TEXT NOT NULL,
  predecessor_name TEXT,
  predecessor_sha256 TEXT,
  predecessor_head TEXT
) STRICT;

CREATE TABLE description (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  "table" TEXT NOT NULL,
  "column" TEXT NOT NULL,
  text TEXT NOT NULL,
  UNIQUE ("table", "column")
) STRICT;

CREATE TABLE canned_query (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  name TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  sql TEXT NOT NULL
) STRICT;

CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  operator TEXT NOT NULL,
  os_user TEXT NOT NULL,
  host TEXT NOT NULL,
  terminal TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process_start TEXT NOT NULL,
  boot TEXT NOT NULL,
  program_version TEXT NOT NULL,
  python_version TEXT NOT NULL,
  sqlite_version TEXT NOT NULL,
  started_ms INTEGER NOT NULL
) STRICT;

-- The runbook as stored: one edition per adopted text ---------------------------------------------------------------------------

CREATE TABLE edition (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  sha256 TEXT NOT NULL,
  definition_sha256 TEXT NOT NULL,
  path TEXT NOT NULL,
  text TEXT NOT NULL,
  adopted_ms INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;

CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  edition INTEGER NOT NULL REFERENCES edition (id),
  stream TEXT NOT NULL,
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  settle_ms INTEGER NOT NULL,
  every_ms INTEGER,
  UNIQUE (edition, stream)
) STRICT;

CREATE TABLE signature (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  edition INTEGER NOT NULL REFERENCES edition (id),
  signature TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  title TEXT NOT NULL,
  unit TEXT NOT NULL CHECK (unit IN ('request', 'message', 'row')),
  "group" TEXT,
  role TEXT NOT NULL CHECK (role IN ('target', 'guard')),
  routes TEXT NOT NULL CHECK (json_valid(routes)),
  "check" TEXT,
  UNIQUE (edition, signature)
) STRICT;

CREATE TABLE signal (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  edition INTEGER NOT NULL REFERENCES edition (id),
  signal TEXT NOT NULL,
  position INTEGER NOT NULL,
  title TEXT NOT NULL,
  owner TEXT NOT NULL CHECK (json_valid(owner)),
  contact TEXT,
  rollback_do TEXT NOT NULL,
  rollback_files TEXT NOT NULL CHECK (json_valid(rollback_files)),
  rollback_confirm TEXT NOT NULL CHECK (json_valid(rollback_confirm)),
  undo TEXT,
  UNIQUE (edition, signal),
  UNIQUE (edition, position)
) STRICT;

-- One row per condition of a signal. Columns that a kind does not use are NULL. limit_value: a count, a percent, or for a level
-- millionths of the gauge's unit.
CREATE TABLE definition (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  edition INTEGER NOT NULL REFERENCES edition (id),
  signal TEXT NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('count', 'burst', 'trend', 'loop', 'queue', 'ratio', 'probe', 'level')),
  op TEXT CHECK (op IN ('>', '>=', '<')),
  limit_value INTEGER,
  window_ms INTEGER NOT NULL CHECK (window_ms > 0),
  watch_percent INTEGER NOT NULL,
  stale_after_ms INTEGER NOT NULL,
  max_skew_ms INTEGER NOT NULL,
  slice_ms INTEGER,
  rises INTEGER,
  floor INTEGER,
  z2_micro INTEGER,
  max_gap_ms INTEGER,
  min_snapshots INTEGER,
  min_growth INTEGER,
  "of" TEXT CHECK ("of" IN ('attempts', 'runs')),
  min_failures INTEGER,
  min_total INTEGER,
  min_cover_percent INTEGER,
  series TEXT,
  for_ms INTEGER,
  UNIQUE (edition, signal, position),
  FOREIGN KEY (edition, signal) REFERENCES signal (edition, signal)
) STRICT;

CREATE TABLE definition_stream (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  definition INTEGER NOT NULL REFERENCES definition (id),
  stream TEXT NOT NULL,
  settle_ms INTEGER NOT NULL,
  UNIQUE (definition, stream)
) STRICT;

-- The signatures whose matches a condition judges; for a loop those of its groups, with the group.
CREATE TABLE definition_signature (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  definition INTEGER NOT NULL REFERENCES definition (id),
  signature TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  UNIQUE (definition, signature)
) STRICT;

CREATE TABLE definition_group (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  definition INTEGER NOT NULL REFERENCES definition (id),
  "group" TEXT NOT NULL,
  UNIQUE (definition, "group")
) STRICT;

CREATE TABLE definition_route (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  definition INTEGER NOT NULL REFERENCES definition (id),
  route TEXT NOT NULL,
  UNIQUE (definition, route)
) STRICT;

CREATE TABLE definition_status (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  definition INTEGER NOT NULL REFERENCES definition (id),
  status INTEGER NOT NULL,
  UNIQUE (definition, status)
) STRICT;

CREATE TABLE step (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  edition INTEGER NOT NULL REFERENCES edition (id),
  step TEXT NOT NULL,
  position INTEGER NOT NULL,
  title TEXT NOT NULL,
  kind TEXT NOT NULL,
  effect TEXT NOT NULL CHECK (effect IN ('reads', 'changes')),
  mandatory INTEGER NOT NULL CHECK (mandatory IN (0, 1)),
  max_age_ms INTEGER,
  sha256 TEXT NOT NULL,
  UNIQUE (edition, step),
  UNIQUE (edition, position)
) STRICT;

-- What collectors saw ------------------------------------------------------------------------------------------------------------

CREATE TABLE collection (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  stream TEXT NOT NULL,
  collector TEXT NOT NULL,
  from_ms INTEGER,
  to_ms INTEGER,
  collected_ms INTEGER NOT NULL,
  skew_ms INTEGER NOT NULL,
  name TEXT NOT NULL,
  form TEXT NOT NULL,
  source TEXT NOT NULL,
  command TEXT NOT NULL,
  tool_version TEXT NOT NULL,
  edition INTEGER REFERENCES edition (id),
  UNIQUE (id, stream)
) STRICT;
CREATE INDEX collection_stream ON collection (stream, id);
CREATE INDEX collection_name ON collection (name) WHERE name <> '';

CREATE TABLE coverage (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL,
  stream TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  collected_ms INTEGER NOT NULL,
  CHECK (from_ms <= to_ms),
  FOREIGN KEY (collection, stream) REFERENCES collection (id, stream)
) STRICT;
CREATE INDEX coverage_stream ON coverage (stream, to_ms, from_ms, collected_ms, collection, seq);

CREATE TABLE collection_end (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL UNIQUE REFERENCES collection (id),
  status TEXT NOT NULL CHECK (status IN ('ok', 'failed', 'truncated')),
  reason TEXT NOT NULL,
  ended_ms INTEGER NOT NULL,
  lines_read INTEGER NOT NULL,
  matched INTEGER NOT NULL,
  unreadable INTEGER NOT NULL,
  banners INTEGER NOT NULL,
  redactions INTEGER NOT NULL,
  omitted INTEGER NOT NULL,
  bytes_read INTEGER NOT NULL,
  source_sha256 TEXT NOT NULL,
  first_ms INTEGER,
  last_ms INTEGER,
  exit_code INTEGER
) STRICT;
CREATE INDEX collection_end_source ON collection_end (source_sha256) WHERE source_sha256 <> '';

CREATE TABLE looked_for (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL REFERENCES collection (id),
  signature TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  can_prove INTEGER NOT NULL CHECK (can_prove IN (0, 1)),
  why TEXT NOT NULL,
  delay_ms INTEGER NOT NULL CHECK (delay_ms >= 0),
  UNIQUE (collection, signature)
) STRICT;

CREATE TABLE log_match (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL,
  stream TEXT NOT NULL,
  signature TEXT NOT NULL,
  "group" TEXT,
  "key" TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  started_ms INTEGER,
  route TEXT,
  status INTEGER,
  request TEXT,
  certain INTEGER NOT NULL CHECK (certain IN (0, 1)),
  line INTEGER,
  raw TEXT NOT NULL,
  FOREIGN KEY (collection, stream) REFERENCES collection (id, stream)
) STRICT;
CREATE INDEX log_match_time ON log_match (signature, at_ms, stream, "key", collection, seq, certain);
CREATE INDEX log_match_group ON log_match ("group", at_ms, stream, "key", collection, seq, certain) WHERE "group" IS NOT NULL;
CREATE INDEX log_match_key ON log_match ("key", stream, at_ms);
CREATE INDEX log_match_collection ON log_match (collection);

CREATE TABLE unreadable (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL REFERENCES collection (id),
  line INTEGER NOT NULL,
  reason TEXT NOT NULL,
  sample TEXT NOT NULL
) STRICT;
CREATE INDEX unreadable_collection ON unreadable (collection);

CREATE TABLE traffic (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL,
  stream TEXT NOT NULL,
  minute_ms INTEGER NOT NULL CHECK (minute_ms % 60000 = 0),
  route TEXT NOT NULL,
  requests INTEGER NOT NULL CHECK (requests >= 0),
  FOREIGN KEY (collection, stream) REFERENCES collection (id, stream)
) STRICT;
CREATE INDEX traffic_time ON traffic (stream, minute_ms, route, collection, seq, requests);

CREATE TABLE gauge (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL,
  stream TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  series TEXT NOT NULL,
  value TEXT NOT NULL,
  value_micro INTEGER NOT NULL,
  FOREIGN KEY (collection, stream) REFERENCES collection (id, stream)
) STRICT;
CREATE INDEX gauge_time ON gauge (stream, series, at_ms);

CREATE TABLE snapshot (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL,
  stream TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  pending INTEGER NOT NULL CHECK (pending >= 0),
  running INTEGER NOT NULL CHECK (running >= 0),
  failed INTEGER NOT NULL CHECK (failed >= 0),
  succeeded INTEGER,
  pending_due INTEGER,
  oldest_due_ms INTEGER,
  FOREIGN KEY (collection, stream) REFERENCES collection (id, stream)
) STRICT;
CREATE INDEX snapshot_time ON snapshot (stream, at_ms);

CREATE TABLE run_count (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL,
  stream TEXT NOT NULL,
  minute_ms INTEGER NOT NULL CHECK (minute_ms % 60000 = 0),
  "of" TEXT NOT NULL CHECK ("of" IN ('attempts', 'runs')),
  total INTEGER NOT NULL CHECK (total >= 0),
  failures INTEGER NOT NULL CHECK (failures BETWEEN 0 AND total),
  running INTEGER,
  FOREIGN KEY (collection, stream) REFERENCES collection (id, stream)
) STRICT;
CREATE INDEX run_count_time ON run_count (stream, "of", minute_ms);

CREATE TABLE probe (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL,
  stream TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  route TEXT NOT NULL,
  status_text TEXT NOT NULL CHECK (status_text GLOB '[0-9][0-9][0-9]'),
  status INTEGER,
  outcome TEXT NOT NULL,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  secret_sent INTEGER NOT NULL CHECK (secret_sent IN (0, 1)),
  reason TEXT NOT NULL,
  request TEXT,
  resolve_us INTEGER,
  connect_us INTEGER,
  tls_us INTEGER,
  first_byte_us INTEGER,
  total_us INTEGER,
  body_size INTEGER,
  body_sha256 TEXT,
  body TEXT,
  headers TEXT,
  CHECK ((status_text = '000') = (status IS NULL)),
  FOREIGN KEY (collection, stream) REFERENCES collection (id, stream)
) STRICT;
CREATE INDEX probe_time ON probe (stream, at_ms, route);

CREATE TABLE sqlar (
  name TEXT PRIMARY KEY CHECK (name <> '' AND name NOT LIKE '/%' AND instr(name, '\') = 0 AND instr('/' || name || '/', '/../') = 0),
  mode INTEGER NOT NULL,
  mtime INTEGER NOT NULL,
  sz INTEGER NOT NULL CHECK (sz = length(data)),
  data BLOB NOT NULL
) STRICT;

CREATE TABLE artifact (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER REFERENCES collection (id),
  name TEXT NOT NULL UNIQUE CHECK (name <> '' AND name NOT LIKE '/%' AND instr(name, '\') = 0 AND instr('/' || name || '/', '/../') = 0),
  role TEXT NOT NULL,
  media_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  captured_ms INTEGER NOT NULL,
  from_ms INTEGER,
  to_ms INTEGER,
  path TEXT,
  redaction TEXT NOT NULL
) STRICT;

CREATE TABLE retraction (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  collection INTEGER NOT NULL REFERENCES collection (id),
  reason TEXT NOT NULL CHECK (trim(reason) <> ''),
  at_ms INTEGER NOT NULL,
  operator TEXT NOT NULL
) STRICT;
CREATE INDEX retraction_collection ON retraction (collection, seq);

-- What people did and said -------------------------------------------------------------------------------------------------------

CREATE TABLE mark (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  name TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  deployment TEXT,
  previous TEXT,
  recorded_ms INTEGER NOT NULL,
  operator TEXT NOT NULL
) STRICT;

CREATE TABLE "window" (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  name TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  recorded_ms INTEGER NOT NULL,
  operator TEXT NOT NULL,
  CHECK (from_ms < to_ms)
) STRICT;

CREATE TABLE scope (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  start_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  mark INTEGER REFERENCES mark (id),
  recorded_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE step_event (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  session INTEGER NOT NULL REFERENCES session (id),
  edition INTEGER NOT NULL REFERENCES edition (id),
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('started', 'held', 'passed', 'failed', 'skipped', 'lost', 'resolved', 'reopened', 'retracted',
                                     'confirmed', 'answered', 'late')),
  at_ms INTEGER NOT NULL,
  monotonic_ms INTEGER NOT NULL,
  claimed_ms INTEGER,
  operator TEXT NOT NULL,
  step_sha256 TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL CHECK (json_valid(detail)),
  override INTEGER NOT NULL CHECK (override IN (0, 1)),
  CHECK (kind NOT IN ('failed', 'skipped', 'retracted', 'late') OR trim(reason) <> '')
) STRICT;
CREATE UNIQUE INDEX step_event_started ON step_event (step, attempt) WHERE kind = 'started';
CREATE UNIQUE INDEX step_event_ended ON step_event (step, attempt) WHERE kind IN ('passed', 'failed', 'skipped', 'lost', 'late');
CREATE INDEX step_event_step ON step_event (step, id);

CREATE TABLE note (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  at_ms INTEGER NOT NULL,
  operator TEXT NOT NULL,
  step TEXT,
  body TEXT NOT NULL CHECK (trim(body) <> ''),
  amends INTEGER REFERENCES note (id),
  cites TEXT
) STRICT;

CREATE TABLE evaluation (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  as_of_ms INTEGER NOT NULL,
  known_seq INTEGER NOT NULL,
  scope_start_ms INTEGER,
  live INTEGER NOT NULL CHECK (live IN (0, 1)),
  edition INTEGER NOT NULL REFERENCES edition (id),
  definition_sha256 TEXT NOT NULL,
  recorded_ms INTEGER NOT NULL,
  why TEXT NOT NULL
) STRICT;

CREATE TABLE evaluation_result (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  evaluation INTEGER NOT NULL REFERENCES evaluation (id),
  signal TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  now_state TEXT NOT NULL,
  now_reason TEXT NOT NULL,
  first_trip_ms INTEGER,
  result TEXT NOT NULL CHECK (json_valid(result)),
  UNIQUE (evaluation, signal)
) STRICT;

-- A decision names its first citation, so that one without evidence cannot be committed.
CREATE TABLE decision (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  at_ms INTEGER NOT NULL,
  operator TEXT NOT NULL,
  edition INTEGER NOT NULL REFERENCES edition (id),
  step TEXT NOT NULL,
  choice TEXT NOT NULL,
  reason TEXT NOT NULL CHECK (trim(reason) <> ''),
  evaluation INTEGER NOT NULL REFERENCES evaluation (id),
  scope TEXT,
  override TEXT,
  first_citation INTEGER NOT NULL REFERENCES citation (id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE TABLE citation (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  decision INTEGER NOT NULL REFERENCES decision (id) DEFERRABLE INITIALLY DEFERRED,
  ref TEXT NOT NULL,
  evidence TEXT NOT NULL CHECK (evidence IN ('collection', 'log_match', 'snapshot', 'run_count', 'gauge', 'probe', 'artifact', 'evaluation', 'traffic')),
  evidence_id INTEGER NOT NULL,
  age_ms INTEGER,
  CHECK (ref = evidence || ':' || evidence_id),
  UNIQUE (decision, ref)
) STRICT;

CREATE TABLE acknowledgement (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  at_ms INTEGER NOT NULL,
  operator TEXT NOT NULL,
  signal TEXT NOT NULL,
  first_trip_ms INTEGER,
  note TEXT NOT NULL
) STRICT;

-- The end of a case, and what was carried into it -------------------------------------------------------------------------------

-- One row, stored by the sealing transaction: who ended the case, what it covers, how many gaps the report names (none is a statement).
CREATE TABLE seal (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  at_ms INTEGER NOT NULL,
  operator TEXT NOT NULL,
  evaluation INTEGER NOT NULL UNIQUE REFERENCES evaluation (id),
  worst TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  gaps INTEGER NOT NULL CHECK (gaps >= 0),
  override TEXT,
  cookie INTEGER NOT NULL
) STRICT;

CREATE TABLE gap (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  kind TEXT NOT NULL,
  ref TEXT NOT NULL,
  text TEXT NOT NULL CHECK (trim(text) <> '')
) STRICT;

CREATE TABLE carried_item (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL REFERENCES chain (seq) DEFERRABLE INITIALLY DEFERRED,
  kind TEXT NOT NULL,
  signal TEXT,
  text TEXT NOT NULL CHECK (trim(text) <> ''),
  origin TEXT NOT NULL
) STRICT;
