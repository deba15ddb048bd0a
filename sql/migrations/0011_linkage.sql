-- Linkage that lasts: what people decide about pairs, what is asked of them, and ties that fade before they go.
CREATE TABLE link.decision (
    decision_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    agency_l text NOT NULL, dataset_l text NOT NULL, record_l text NOT NULL,
    agency_r text NOT NULL, dataset_r text NOT NULL, record_r text NOT NULL,
    verdict      text NOT NULL CHECK (verdict IN ('together', 'apart', 'open')),
    decided_by   text NOT NULL,
    reason       text NOT NULL,
    CHECK ((agency_l, dataset_l, record_l) < (agency_r, dataset_r, record_r))
);
COMMENT ON TABLE link.decision IS 'What a person decided about two records; the newest of a pair counts, in every run until another follows. together: one person; apart: two; open: back to the matcher.';
CREATE INDEX ON link.decision (agency_l, dataset_l, record_l, agency_r, dataset_r, record_r, decision_key);

ALTER TABLE link.review ADD COLUMN is_queued boolean NOT NULL DEFAULT FALSE;
ALTER TABLE link.review ADD COLUMN agreement jsonb NOT NULL DEFAULT '{}';
ALTER TABLE link.review ADD COLUMN household integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN link.review.is_queued IS 'Whether a person is asked: neither record has an accepted link into the other''s source. The rest is kept to be looked up.';
COMMENT ON COLUMN link.review.agreement IS 'How far the two agree, field by field, in words; no value and no token.';
COMMENT ON COLUMN link.review.household IS 'How many other records share birth date, surname and postcode with one of the two: brothers, sisters, twins.';

ALTER TABLE link.link ADD COLUMN faded_runs integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN link.link.faded_runs IS 'For how many runs in a row the tie has been below .5; at the third it is untied.';
