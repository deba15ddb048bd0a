-- How sure the matching is: drawn person keys for uncertain clusters, and pairs sampled for a look.
CREATE TABLE link.key_draw (
    draw             smallint NOT NULL,
    agency_code      text NOT NULL,
    dataset_code     text NOT NULL,
    record_pseudonym text NOT NULL,
    person_key       uuid NOT NULL,
    PRIMARY KEY (draw, agency_code, dataset_code, record_pseudonym)
);
COMMENT ON TABLE link.key_draw IS 'Draws of the last run: which person a record would be if its uncertain ties had come out otherwise. Only where that differs from link.crosswalk. Handed over to core.key_draw by the refresh.';

CREATE TABLE core.key_draw (LIKE link.key_draw INCLUDING ALL);
COMMENT ON TABLE core.key_draw IS 'Grain: a draw of the matching (1 to 50) x a record whose person differs in it from the one it is taken to be. Ranges of marts are made from these.';

CREATE TABLE link.sampled (
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    agency_l text NOT NULL, dataset_l text NOT NULL, record_l text NOT NULL,
    agency_r text NOT NULL, dataset_r text NOT NULL, record_r text NOT NULL,
    reason   text NOT NULL,
    PRIMARY KEY (agency_l, dataset_l, record_l, agency_r, dataset_r, record_r)
);
COMMENT ON TABLE link.sampled IS 'Accepted pairs drawn at random to be looked at by the partner that owns a record; reason: why they were tied then. Answers are in link.decision.';

-- Which sources speak in a table of core: whose day a count bears.
CREATE VIEW core.spoken_of AS
SELECT 'enrolment' AS table_name, source.* FROM core.source AS source
WHERE EXISTS (SELECT 1 FROM core.enrolment WHERE submission_key = source.submission_key)
UNION ALL
SELECT 'ehc_plan', source.* FROM core.source AS source
WHERE EXISTS (SELECT 1 FROM core.ehc_plan WHERE submission_key = source.submission_key)
UNION ALL
SELECT 'cin_episode', source.* FROM core.source AS source
WHERE EXISTS (SELECT 1 FROM core.cin_episode WHERE submission_key = source.submission_key)
UNION ALL
SELECT 'referral', source.* FROM core.source AS source
WHERE EXISTS (SELECT 1 FROM core.referral WHERE submission_key = source.submission_key)
UNION ALL
SELECT 'early_help_episode', source.* FROM core.source AS source
WHERE EXISTS (SELECT 1 FROM core.early_help_episode WHERE submission_key = source.submission_key)
UNION ALL
SELECT 'looked_after_episode', source.* FROM core.source AS source
WHERE EXISTS (SELECT 1 FROM core.looked_after_episode WHERE submission_key = source.submission_key);
COMMENT ON VIEW core.spoken_of IS 'Grain: table of core x source that has rows in it.';
