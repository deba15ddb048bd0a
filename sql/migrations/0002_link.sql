-- link: what the linker keeps between nights. Tokens themselves are never in the database: they stay encrypted in files.
CREATE SCHEMA link;
COMMENT ON SCHEMA link IS 'The crosswalk from records to people, accepted links, the review queue and key events. No payload.';

CREATE TABLE link.crosswalk (
    agency_code      text NOT NULL,
    dataset_code     text NOT NULL,
    record_pseudonym text NOT NULL,
    person_key       uuid NOT NULL,
    valid_from       timestamptz NOT NULL,
    valid_to         timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, valid_from)
);
COMMENT ON TABLE link.crosswalk IS 'Which person a record was taken to be, and from when to when; the current row has valid_to infinity. Person keys are random and not derived from anything.';
CREATE INDEX ON link.crosswalk (person_key) WHERE valid_to = 'infinity';
CREATE UNIQUE INDEX ON link.crosswalk (agency_code, dataset_code, record_pseudonym) WHERE valid_to = 'infinity';

CREATE TABLE link.key_event (
    event_key  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('new', 'merge', 'split', 'retire')),
    person_key uuid NOT NULL,
    other_key  uuid,
    records    integer NOT NULL
);
COMMENT ON TABLE link.key_event IS 'Life of person keys. merge: person_key ended and other_key survives; split: other_key was taken out of person_key.';

CREATE TABLE link.link (
    agency_l text NOT NULL, dataset_l text NOT NULL, record_l text NOT NULL,
    agency_r text NOT NULL, dataset_r text NOT NULL, record_r text NOT NULL,
    reason text NOT NULL,
    probability double precision,
    PRIMARY KEY (agency_l, dataset_l, record_l, agency_r, dataset_r, record_r)
);
COMMENT ON TABLE link.link IS 'Accepted links of the last run; reason: which rule or model made it.';

CREATE TABLE link.review (
    agency_l text NOT NULL, dataset_l text NOT NULL, record_l text NOT NULL,
    agency_r text NOT NULL, dataset_r text NOT NULL, record_r text NOT NULL,
    reason text NOT NULL,
    probability double precision,
    PRIMARY KEY (agency_l, dataset_l, record_l, agency_r, dataset_r, record_r)
);
COMMENT ON TABLE link.review IS 'Pairs of the last run that wait for a person or were vetoed, with the reason.';

CREATE TABLE link.run (
    link_run_key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    inputs       jsonb NOT NULL,
    summary      jsonb NOT NULL
);
COMMENT ON TABLE link.run IS 'One run of the matcher: which linkage files it read, and counts by reason and pair of sources.';
