-- Spells: since when and until when a source says something of a child. Days are first days: a spell holds on valid_from
-- and no longer on valid_to.
CREATE TABLE core.sen_status_spell (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    valid_from date NOT NULL, valid_to date, status_code text NOT NULL CHECK (status_code IN ('E', 'K', 'N')),
    first_seen_on date NOT NULL, last_seen_on date NOT NULL, is_dated boolean NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, valid_from),
    CHECK (valid_to > valid_from)
);
COMMENT ON TABLE core.sen_status_spell IS 'Grain: a time in which one source says the same SEN status of a child. From censuses: from the first census day on which it was seen until the next census of the agency that does not show it. From returns of plans: from the start of a plan until it ceased.';

CREATE TABLE core.sen_need_spell (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    need_code text NOT NULL, need_rank integer NOT NULL, valid_from date NOT NULL, valid_to date,
    first_seen_on date NOT NULL, last_seen_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, need_rank, need_code, valid_from),
    CHECK (valid_to > valid_from)
);
COMMENT ON TABLE core.sen_need_spell IS 'Grain: a time in which one source says a child has a need of a rank (1 primary). From censuses: until the next census that asks for needs and does not show it. From plans in force: since the plan started.';

CREATE TABLE core.home_spell (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    valid_from date NOT NULL, valid_to date, lsoa21_code text NOT NULL,
    first_seen_on date NOT NULL, last_seen_on date NOT NULL, observed_to date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, valid_from),
    CHECK (valid_to > valid_from)
);
COMMENT ON TABLE core.home_spell IS 'Grain: a time in which one source has a child at one home, from the day it first said so until it said another. Ward and health place follow from core.dim_geography.';

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sen_status_spell', 'sen_need_spell', 'home_spell'] LOOP
        EXECUTE format('CREATE INDEX ON core.%I (person_key)', name);
    END LOOP;
END $$;

ALTER TABLE core.enrolment ADD COLUMN is_on_roll boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN core.enrolment.is_on_roll IS 'On roll on the day of this census; false for a leaver that it tells of.';

CREATE SCHEMA mart_as_of;
COMMENT ON SCHEMA mart_as_of IS 'A function for each mart, to work it out for another day: SELECT * FROM mart_as_of.needs_prevalence(''2025-10-02'').';

-- A child born since the last 31 August has the age -1 and is under 5.
CREATE OR REPLACE FUNCTION core.age_band(age integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN age BETWEEN -1 AND 4 THEN 'Under 5' WHEN age BETWEEN 5 AND 10 THEN '5 to 10' WHEN age BETWEEN 11 AND 15 THEN '11 to 15'
    WHEN age BETWEEN 16 AND 19 THEN '16 to 19' WHEN age BETWEEN 20 AND 25 THEN '20 to 25' ELSE 'Not known' END;
COMMENT ON FUNCTION core.age_band IS 'The five age groups of the local SEND reform plan, by age on 31 August; -1, born since then, is under 5; above 25 is not known.';
