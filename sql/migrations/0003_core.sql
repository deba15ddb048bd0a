-- core: the joint needs warehouse. One row per fact, from conform; person_key comes from the crosswalk.
-- Every table starts with the same five columns: where the fact came from, and whose it is.
--   agency_code, dataset_code   the source
--   record_pseudonym            the child's record in that source (keyed, meaningless outside it)
--   person_key                  the person that record is taken to be
--   submission_key              the submission that carries it (ops.submission)
CREATE SCHEMA core;
COMMENT ON SCHEMA core IS 'Pseudonymous facts about children and services, integrated from all agencies. No direct identifier.';

CREATE SCHEMA staging;
COMMENT ON SCHEMA staging IS 'Changes on their way into core; emptied by each refresh, of no use to a reader.';

CREATE TABLE core.source (
    agency_code text NOT NULL, dataset_code text NOT NULL, group_code text NOT NULL, agency_name text NOT NULL,
    dataset_title text NOT NULL, is_about_people boolean NOT NULL, submission_key bigint NOT NULL,
    period_start date NOT NULL, period_end date NOT NULL, data_as_at date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code)
);
COMMENT ON TABLE core.source IS 'Grain: one dataset of one agency, with the submission of it that the warehouse now shows. data_as_at: the day it speaks of, by its reference or census day where it has one, else the end of its period.';

CREATE TABLE core.code (
    list_code text NOT NULL, code text NOT NULL, label text NOT NULL,
    PRIMARY KEY (list_code, code)
);
COMMENT ON TABLE core.code IS 'Grain: one code of one of the code lists that contracts use, with what it means.';

CREATE TABLE core.geography (
    lsoa21_code text PRIMARY KEY, lsoa21_name text, ward_code text NOT NULL, ward_name text,
    health_place_code text NOT NULL, health_place_name text, imd_decile integer NOT NULL,
    submission_key bigint NOT NULL
);
COMMENT ON TABLE core.geography IS 'Grain: one LSOA (2021) of the local area, with its ward, health place and deprivation decile (1 most deprived).';

CREATE TABLE core.population (
    lsoa21_code text NOT NULL, year integer NOT NULL, age integer NOT NULL, sex_code text NOT NULL,
    persons integer NOT NULL, submission_key bigint NOT NULL,
    PRIMARY KEY (lsoa21_code, year, age, sex_code)
);
COMMENT ON TABLE core.population IS 'Grain: LSOA x mid-year x single year of age x sex. Residents; years after the estimate are projections.';

CREATE TABLE core.capacity (
    provider_urn text NOT NULL, provision_code text NOT NULL, phase_code text NOT NULL, need_code text NOT NULL,
    year integer NOT NULL, health_place_code text NOT NULL, places_physical integer, places_commissioned integer NOT NULL,
    places_held_by_others integer NOT NULL, is_planned boolean NOT NULL, delivery_probability double precision NOT NULL,
    submission_key bigint NOT NULL,
    PRIMARY KEY (provider_urn, provision_code, phase_code, need_code, year)
);
COMMENT ON TABLE core.capacity IS 'Grain: provider x provision type x phase x designated need x January. Places, not children.';

CREATE TABLE core.person_record (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    birth_month date, sex_code text, ethnicity_code text, lsoa21_code text, observed_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym)
);
COMMENT ON TABLE core.person_record IS 'Grain: one child as one source knows it. Demographics as that source says; ethnicity in the education codes.';

CREATE TABLE core.person (
    person_key uuid PRIMARY KEY,
    birth_month date, sex_code text, ethnicity_code text, lsoa21_code text, source_count integer NOT NULL,
    is_known_to_education boolean NOT NULL, is_known_to_social_care boolean NOT NULL, is_known_to_health boolean NOT NULL
);
COMMENT ON TABLE core.person IS 'Grain: one person. Where agencies disagree: education before social care before health; within one, the latest observation.';

CREATE TABLE core.enrolment (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    enrolment_ref text NOT NULL, school_code text, enrol_status_code text, nc_year_code text, entry_date date,
    sessions_possible integer, sessions_missed integer, census_date date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, enrolment_ref)
);
COMMENT ON TABLE core.enrolment IS 'Grain: one registration of a pupil at a school on a census date, with its attendance in the term before (sessions are half days).';

CREATE TABLE core.suspension (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    suspension_ref text NOT NULL, start_date date NOT NULL, sessions integer, category_code text NOT NULL, reason_code text,
    PRIMARY KEY (agency_code, dataset_code, suspension_ref)
);
COMMENT ON TABLE core.suspension IS 'Grain: one suspension or permanent exclusion.';

CREATE TABLE core.sen_status (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    status_code text NOT NULL CHECK (status_code IN ('E', 'K', 'N')), observed_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym)
);
COMMENT ON TABLE core.sen_status IS 'Grain: a child''s SEN status as one source last observed it: E EHC plan, K SEN support, N none.';

CREATE TABLE core.sen_need (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    need_code text NOT NULL, need_rank integer NOT NULL, observed_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, need_rank, need_code)
);
COMMENT ON TABLE core.sen_need IS 'Grain: one ranked need of a child as one source last observed it (1 primary).';

CREATE TABLE core.ehc_request (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    request_ref text NOT NULL, received_date date, source_code text, request_outcome_code text NOT NULL,
    request_outcome_date date, assessment_outcome_code text, assessment_outcome_date date, is_exception boolean,
    PRIMARY KEY (agency_code, dataset_code, request_ref)
);
COMMENT ON TABLE core.ehc_request IS 'Grain: one request for an EHC needs assessment with its assessment. received_date may be unknown for requests from before the collection (outcome H). assessment_outcome_date is the day the plan was issued (outcome Y) or its refusal notified (N).';

CREATE TABLE core.ehc_plan (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    plan_ref text NOT NULL, request_ref text NOT NULL, start_date date, cease_date date, cease_reason_code text,
    is_active boolean NOT NULL, last_review_date date, primary_need_code text, secondary_need_code text,
    PRIMARY KEY (agency_code, dataset_code, plan_ref)
);
COMMENT ON TABLE core.ehc_plan IS 'Grain: one EHC plan. is_active: among the plans in force on the reference date of the return. start_date is unknown where a plan in force comes without its plan record.';

CREATE TABLE core.ehc_placement (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    placement_ref text NOT NULL, plan_ref text NOT NULL, placement_rank integer NOT NULL, provider_urn text, provider_ukprn text,
    setting_code text, provision_code text NOT NULL, entry_date date NOT NULL, leaving_date date,
    PRIMARY KEY (agency_code, dataset_code, placement_ref)
);
COMMENT ON TABLE core.ehc_placement IS 'Grain: one placement of a plan in force; provision_code in the shapes of the capacity list.';

CREATE TABLE core.ehc_register (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    status_code text NOT NULL, observed_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym)
);
COMMENT ON TABLE core.ehc_register IS 'Grain: one child known to the EHC team.';

CREATE TABLE core.referral (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    referral_ref text NOT NULL, team_type_code text NOT NULL, received_date date NOT NULL, closed_date date,
    rejected_date date, clock_start_date date NOT NULL, clock_stop_date date, observed_to date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, referral_ref, team_type_code)
);
COMMENT ON TABLE core.referral IS 'Grain: one referral to one type of team. Clock: starts at the RTT start, else at receipt; stops at an RTT end with status 30 to 36, else at the first contact with the patient attended (status 5 or 6).';

CREATE TABLE core.contact (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    contact_ref text NOT NULL, referral_ref text NOT NULL, contact_date date NOT NULL, attendance_code text, minutes integer,
    is_with_patient boolean NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, contact_ref)
);
COMMENT ON TABLE core.contact IS 'Grain: one care contact of a referral.';

CREATE TABLE core.cin_episode (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    referral_date date NOT NULL, closure_date date, primary_need_code text, source_code text, is_no_further_action boolean,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, referral_date)
);
COMMENT ON TABLE core.cin_episode IS 'Grain: one referral to children''s social care and the episode of need that followed.';

CREATE TABLE core.cp_plan (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    start_date date NOT NULL, end_date date, category_code text,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, start_date)
);
COMMENT ON TABLE core.cp_plan IS 'Grain: one child protection plan.';

CREATE TABLE core.disability (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    disability_code text NOT NULL, observed_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, disability_code)
);
COMMENT ON TABLE core.disability IS 'Grain: one disability that social care recorded for a child (NONE is not loaded).';

DO $$
DECLARE t record;
BEGIN
    FOR t IN SELECT table_name FROM information_schema.columns
             WHERE table_schema = 'core' AND column_name = 'person_key' AND table_name <> 'person'
    LOOP
        EXECUTE format('CREATE INDEX ON core.%I (person_key)', t.table_name);
    END LOOP;
END $$;
CREATE SCHEMA mart;
COMMENT ON SCHEMA mart IS 'What commissioners query: one table per subject, made anew inside the refresh transaction.';

-- What the marts say alike about a person: one place for age, bands, groups and fifths.
CREATE FUNCTION core.age_on_31_august(birth_month date, on_date date) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN extract(year FROM on_date)::integer - extract(year FROM birth_month)::integer
    - (CASE WHEN extract(month FROM birth_month) > 8 THEN 1 ELSE 0 END)
    - (CASE WHEN (extract(month FROM on_date), extract(day FROM on_date)) < (8, 31) THEN 1 ELSE 0 END);
COMMENT ON FUNCTION core.age_on_31_august IS 'Whole years on the last 31 August at or before a date: the age that decides a school year. Exact from the month of birth.';

CREATE FUNCTION core.age_band(age integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN age BETWEEN 0 AND 4 THEN 'Under 5' WHEN age BETWEEN 5 AND 10 THEN '5 to 10' WHEN age BETWEEN 11 AND 15 THEN '11 to 15'
    WHEN age BETWEEN 16 AND 19 THEN '16 to 19' WHEN age BETWEEN 20 AND 25 THEN '20 to 25' ELSE 'Not known' END;
COMMENT ON FUNCTION core.age_band IS 'The five age groups of the local SEND reform plan; outside 0 to 25 is not known.';

CREATE FUNCTION core.sex_label(sex_code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE sex_code WHEN 'F' THEN 'Female' WHEN 'M' THEN 'Male' ELSE 'Not known' END;

CREATE FUNCTION core.ethnicity_group(ethnicity_code text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN ethnicity_code IN ('REFU', 'NOBT') THEN 'Not known'
    ELSE CASE left(ethnicity_code, 1) WHEN 'W' THEN 'White' WHEN 'M' THEN 'Mixed' WHEN 'A' THEN 'Asian' WHEN 'B' THEN 'Black'
        WHEN 'C' THEN 'Chinese' WHEN 'O' THEN 'Other' ELSE 'Not known' END END;
COMMENT ON FUNCTION core.ethnicity_group IS 'The group that a main or extended education code belongs to, by its first letter.';

CREATE FUNCTION core.deprivation_fifth(imd_decile integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE (imd_decile + 1) / 2 WHEN 1 THEN '1 (most deprived)' WHEN 2 THEN '2' WHEN 3 THEN '3' WHEN 4 THEN '4'
    WHEN 5 THEN '5 (least deprived)' ELSE 'Not known' END;

CREATE VIEW core.person_profile AS
SELECT
    person.person_key, person.birth_month, core.sex_label(person.sex_code) AS sex,
    core.ethnicity_group(person.ethnicity_code) AS ethnicity_group, core.deprivation_fifth(geography.imd_decile) AS deprivation_fifth,
    geography.lsoa21_code, geography.ward_code, geography.health_place_code, geography.lsoa21_code IS NOT NULL AS is_resident,
    person.is_known_to_education, person.is_known_to_social_care, person.is_known_to_health
FROM core.person LEFT JOIN core.geography USING (lsoa21_code);
COMMENT ON VIEW core.person_profile IS 'Grain: one person, with place and groups in words; no place where the address is unknown or outside the area.';
