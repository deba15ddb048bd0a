-- What is kept and what must go: erasures, the list of who is not to come back, legal holds.
CREATE TABLE ops.erasure (
    erasure_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    erasure     text NOT NULL UNIQUE,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    agencies    text[] NOT NULL,
    asked_by    text NOT NULL,
    reason      text NOT NULL,
    finished_at timestamptz,
    counts      jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE ops.erasure IS 'Each erasure of a child: who asked, why, when, how many rows and files went. Not who the child was.';
COMMENT ON COLUMN ops.erasure.erasure IS 'Its random name, the same in the journal of erasures outside the database.';
COMMENT ON COLUMN ops.erasure.counts IS 'What went, by place; added up over the runs that it took.';

CREATE TABLE ops.suppression (
    agency_code text NOT NULL,
    fingerprint text NOT NULL,
    erasure_key bigint NOT NULL REFERENCES ops.erasure,
    PRIMARY KEY (agency_code, fingerprint)
);
COMMENT ON TABLE ops.suppression IS 'Records that receive leaves out. A fingerprint is keyed (suppression.key, outside the database) and names nobody without that key.';

CREATE TABLE ops.suppressed (
    submission_key bigint NOT NULL REFERENCES ops.submission,
    table_name     text NOT NULL,
    row_count      integer NOT NULL CHECK (row_count > 0),
    payload_sha256 text NOT NULL,
    PRIMARY KEY (submission_key, table_name)
);
COMMENT ON TABLE ops.suppressed IS 'Tables of a submission from whose kept payload rows of erased children were taken out: how many, and the hash of the file that is left.';

ALTER TABLE ops.outcome ADD COLUMN suppressed integer NOT NULL DEFAULT 0;
ALTER TABLE ops.outcome ADD CHECK (suppressed <= rejected);
COMMENT ON TABLE ops.outcome IS 'Row counts per table: in = accepted + quarantined + rejected. parent_held is the part of quarantined that is held only because its parent row is; suppressed is the part of rejected that was left out because an erased child is not to come back.';

CREATE TABLE ops.legal_hold (
    hold_key      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    agency_code   text NOT NULL,
    dataset_code  text,
    fingerprint   text,
    placed_by     text NOT NULL,
    reason        text NOT NULL,
    lifted_at     timestamptz,
    lifted_by     text,
    lifted_reason text,
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL) AND (lifted_at IS NULL) = (lifted_reason IS NULL))
);
COMMENT ON TABLE ops.legal_hold IS 'What must not be deleted while it stands: all of an agency, one dataset of it, or one record (by its keyed fingerprint).';
