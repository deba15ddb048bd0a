-- ops: the ledger. Every submission, row count, rule result, held row, run and alert; no value from any partner's file.
CREATE SCHEMA ops;
COMMENT ON SCHEMA ops IS 'The ledger: what arrived, what became of it, which run did what. No payload, no tokens.';

CREATE TABLE ops.run (
    run_key      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stage        text NOT NULL,
    subject      text,
    started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at     timestamptz,
    state        text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'success', 'data_fault', 'system_fault')),
    code_version text NOT NULL,
    counts       jsonb NOT NULL DEFAULT '{}',
    message      text
);
COMMENT ON TABLE ops.run IS 'One execution of a stage on a submission or on the whole area.';

CREATE TABLE ops.submission (
    submission_key  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    submission      text NOT NULL UNIQUE,
    agency_code     text NOT NULL,
    dataset_code    text NOT NULL,
    period          text NOT NULL,
    period_start    date NOT NULL,
    period_end      date NOT NULL,
    sequence        integer NOT NULL,
    state           text NOT NULL CHECK (state IN (
        'received', 'validated', 'held_ours', 'accepted', 'integrated', 'superseded', 'rejected', 'withdrawn')),
    state_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    received_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    accepted_at     timestamptz,
    key_epoch       text,
    manifest_sha256 text NOT NULL,
    content_sha256  text NOT NULL,
    contract_hash   text NOT NULL,
    manifest        jsonb NOT NULL,
    agreement       text,
    reason_rule     text,
    reason          text
);
COMMENT ON TABLE ops.submission IS 'One sealed submission of one agency, dataset and period. `submission` is its name: agency/dataset/period/sequence.';
COMMENT ON COLUMN ops.submission.content_sha256 IS 'Hash over the hashes of the source files: the same files sent twice have the same value.';
CREATE INDEX ON ops.submission (agency_code, dataset_code, period_end);
CREATE UNIQUE INDEX ON ops.submission (agency_code, dataset_code, period, sequence);

CREATE TABLE ops.submission_event (
    event_key      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    submission_key bigint REFERENCES ops.submission,
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_state     text,
    to_state       text NOT NULL,
    note           text
);
COMMENT ON TABLE ops.submission_event IS 'Every change of state, and deliveries that were refused before they became a submission (no key).';

CREATE TABLE ops.outcome (
    submission_key bigint NOT NULL REFERENCES ops.submission,
    table_name     text NOT NULL,
    rows_in        integer NOT NULL,
    accepted       integer NOT NULL DEFAULT 0,
    quarantined    integer NOT NULL DEFAULT 0,
    parent_held    integer NOT NULL DEFAULT 0,
    rejected       integer NOT NULL DEFAULT 0,
    PRIMARY KEY (submission_key, table_name),
    CHECK (rows_in = accepted + quarantined + rejected),
    CHECK (parent_held <= quarantined)
);
COMMENT ON TABLE ops.outcome IS 'Row counts per table: in = accepted + quarantined + rejected. parent_held is the part of quarantined that is held only because its parent row is.';

CREATE TABLE ops.rule_outcome (
    submission_key bigint NOT NULL REFERENCES ops.submission,
    table_name     text NOT NULL,
    rule           text NOT NULL,
    on_fail        text NOT NULL CHECK (on_fail IN ('reject_file', 'quarantine_row', 'null_field', 'warn')),
    result         text NOT NULL CHECK (result IN ('passed', 'failed', 'could_not_check', 'not_applicable')),
    evaluated      integer NOT NULL DEFAULT 0,
    failed         integer NOT NULL DEFAULT 0,
    PRIMARY KEY (submission_key, table_name, rule)
);
COMMENT ON TABLE ops.rule_outcome IS 'Result of every rule on every table of a submission.';

CREATE TABLE ops.held_row (
    submission_key bigint NOT NULL REFERENCES ops.submission,
    table_name     text NOT NULL,
    source_row     integer NOT NULL,
    rule           text NOT NULL,
    column_name    text,
    PRIMARY KEY (submission_key, table_name, source_row, rule)
);
COMMENT ON TABLE ops.held_row IS 'Quarantined rows by their number in the source file (first data row = 1) and rule; never a value.';

CREATE TABLE ops.snapshot (
    submission_key bigint NOT NULL REFERENCES ops.submission,
    table_name     text NOT NULL,
    path           text NOT NULL,
    sha256         text NOT NULL,
    row_count      integer NOT NULL,
    PRIMARY KEY (submission_key, table_name)
);
COMMENT ON TABLE ops.snapshot IS 'The immutable Parquet file in the lake that holds the accepted rows of a table; path is relative to the lake.';

CREATE TABLE ops.refresh (
    refresh_key   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_key       bigint REFERENCES ops.run,
    as_of         date NOT NULL,
    finished_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    submissions   bigint[] NOT NULL,
    conformed     jsonb NOT NULL,
    changed       jsonb NOT NULL,
    linkage       jsonb NOT NULL DEFAULT '{}',
    code_version  text NOT NULL
);
COMMENT ON TABLE ops.refresh IS 'The mark of each completed refresh, written in the transaction that changed core and mart. conformed: canonical table -> content hash; changed: table -> rows.';

CREATE TABLE ops.alert (
    alert_key  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL,
    subject    text NOT NULL,
    raised_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    told_at    timestamptz,
    cleared_at timestamptz
);
COMMENT ON TABLE ops.alert IS 'What a person was told or is to be told; each open (kind, subject) is told once. docs/runbook/<kind>.md says what to do.';
CREATE UNIQUE INDEX ON ops.alert (kind, subject) WHERE cleared_at IS NULL;
