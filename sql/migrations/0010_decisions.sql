-- Decisions of people on held rows, and snapshots that follow each other.
CREATE TABLE ops.decision (
    decision_key   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind           text NOT NULL CHECK (kind IN ('release', 'keep', 'rerun', 'withdraw')),
    submission_key bigint NOT NULL REFERENCES ops.submission,
    table_name     text,
    rule           text,
    source_rows    integer[],
    decided_by     text NOT NULL,
    reason         text NOT NULL,
    CHECK (kind IN ('rerun', 'withdraw') OR (table_name IS NOT NULL AND rule IS NOT NULL AND source_rows IS NOT NULL))
);
COMMENT ON TABLE ops.decision IS 'What a person decided about a submission or rows of it, and why. release: these rows are taken though the rule finds them; keep: they stay held and are not asked about again.';
COMMENT ON COLUMN ops.decision.source_rows IS 'Row numbers in the source file (first data row = 1) that the decision is about.';
CREATE INDEX ON ops.decision (submission_key);

ALTER TABLE ops.snapshot ADD COLUMN accepted_at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE ops.snapshot ADD COLUMN replaced_at timestamptz NOT NULL DEFAULT 'infinity';
UPDATE ops.snapshot AS s SET accepted_at = coalesce(of.accepted_at, s.accepted_at)
FROM ops.submission AS of WHERE of.submission_key = s.submission_key;
ALTER TABLE ops.snapshot DROP CONSTRAINT snapshot_pkey;
ALTER TABLE ops.snapshot ADD PRIMARY KEY (submission_key, table_name, accepted_at);
CREATE UNIQUE INDEX ON ops.snapshot (submission_key, table_name) WHERE replaced_at = 'infinity';
COMMENT ON COLUMN ops.snapshot.replaced_at IS 'When another file took its place, after a release or a rerun; infinity for the file that stands.';
