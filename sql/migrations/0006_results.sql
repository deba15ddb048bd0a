-- Results and what follows after 16, and what partners pay, hear and do. Tables about people start with the
-- five columns of 0003; the others have the submission that carries them.
CREATE TABLE core.attainment (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    stage_code text NOT NULL CHECK (stage_code IN ('EYFSP', 'PHONICS', 'KS2', 'KS4')), year integer NOT NULL,
    measure_code text NOT NULL, value double precision NOT NULL, school_urn text, sen_status_code text, is_free_meals boolean,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, stage_code, year, measure_code)
);
COMMENT ON TABLE core.attainment IS 'Grain: one measure of a pupil at the end of a stage. Results of all years stand beside each other.';
COMMENT ON COLUMN core.attainment.year IS 'The calendar year in which the school year ends: 2025 is 2024/25.';
COMMENT ON COLUMN core.attainment.measure_code IS 'Standards are 1 (reached) or 0: good_level_of_development, communication_expected, phonics_standard, rwm_expected, rwm_higher, reading_expected, writing_expected, maths_expected, grade_4_basics, grade_5_basics. Scores are as published: goals_expected (0 to 17), phonics_mark, reading_score, maths_score, reading_progress, writing_progress, maths_progress, attainment_8, progress_8.';
COMMENT ON COLUMN core.attainment.sen_status_code IS 'E, K or N at the time, where the results say it (key stage 4); elsewhere take the status from other tables.';
COMMENT ON COLUMN core.attainment.is_free_meals IS 'Eligible for free school meals in the last six years, where the results say it.';

COMMENT ON TABLE core.attendance IS 'Grain: registration x census x part of the year before it x group of attendance codes. Sessions are half days. An extract of the council''s data team is told apart by its dataset_code: do not add it to the census.';
COMMENT ON COLUMN core.attendance.census_date IS 'The census day; for an extract that is no census the last day of the term that it tells of.';

CREATE TABLE core.pupil_history (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    observed_on date NOT NULL, school_code text NOT NULL, nc_year_code text, enrol_status_code text, sen_status_code text,
    primary_need_code text, secondary_need_code text, is_free_meals boolean,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, observed_on, school_code)
);
COMMENT ON TABLE core.pupil_history IS 'Grain: a pupil at a school on a day, as a source beside the council''s own census says: earlier censuses that the department gives back, and monthly extracts between two censuses. Not all pupils are in it, so nothing is counted from it alone.';

CREATE TABLE core.destination (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    destination_ref text NOT NULL, activity_code text, activity_group_code text NOT NULL, start_date date,
    first_seen_on date NOT NULL, last_seen_on date NOT NULL, is_lapsed boolean, has_plan boolean, has_support boolean, neet_start_date date,
    PRIMARY KEY (agency_code, dataset_code, destination_ref)
);
COMMENT ON TABLE core.destination IS 'Grain: one activity of a young person after 16, over the months in which it was reported. Aged 16 and 17: all; 18 to 24: those with an EHC plan.';
COMMENT ON COLUMN core.destination.activity_group_code IS 'education, employment, training, re_engagement, neet_active, neet_inactive, custody, or not_known (also for a code that nobody knows).';
COMMENT ON COLUMN core.destination.is_lapsed IS 'Nobody has confirmed the activity within the time allowed.';

CREATE TABLE core.bought_placement (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    placement_ref text NOT NULL, census_date date NOT NULL, provision_code text NOT NULL, source_code text, is_looked_after boolean,
    start_date date NOT NULL, weekly_cost_gbp double precision NOT NULL, social_care_gbp double precision,
    education_gbp double precision, health_gbp double precision, distance_reason_code text, provider_urn text,
    PRIMARY KEY (agency_code, dataset_code, placement_ref)
);
COMMENT ON TABLE core.bought_placement IS 'Grain: one child placed with another provider on the day of the regional census, with the weekly cost and who pays. provision_code is of the list pnw_provision.';

CREATE TABLE core.short_break_place (
    provider_code text NOT NULL, kind_code text NOT NULL, age_group_code text NOT NULL, need_code text NOT NULL, year integer NOT NULL,
    health_place_code text NOT NULL, places integer NOT NULL, unit_code text NOT NULL, units_commissioned integer NOT NULL,
    units_used integer, unit_price_gbp double precision NOT NULL, children_waiting integer, submission_key bigint NOT NULL,
    PRIMARY KEY (provider_code, kind_code, age_group_code, need_code, year)
);
COMMENT ON TABLE core.short_break_place IS 'Grain: provider x kind x age group x need x financial year (by the March in which it ends). Places and units, not children; unit_code says what units and price count.';

CREATE TABLE core.placement_cost (
    provider_code text NOT NULL, provision_code text NOT NULL, need_code text NOT NULL, year integer NOT NULL,
    placements integer NOT NULL, weeks double precision NOT NULL, total_cost_gbp double precision NOT NULL,
    social_care_gbp double precision, education_gbp double precision, health_gbp double precision, is_in_area boolean,
    submission_key bigint NOT NULL,
    PRIMARY KEY (provider_code, provision_code, need_code, year)
);
COMMENT ON TABLE core.placement_cost IS 'Grain: provider x type of provision x need x financial year (by the March in which it ends). Cost per week is total_cost_gbp / weeks.';

CREATE TABLE core.survey_response (
    survey_code text NOT NULL, group_code text NOT NULL, health_place_code text NOT NULL, year integer NOT NULL,
    invited integer NOT NULL, returned integer NOT NULL, submission_key bigint NOT NULL,
    PRIMARY KEY (survey_code, group_code, health_place_code)
);
COMMENT ON TABLE core.survey_response IS 'Grain: survey x group x health place: how many were asked and how many answered.';

CREATE TABLE core.survey_answer (
    survey_code text NOT NULL, question_code text NOT NULL, group_code text NOT NULL, health_place_code text NOT NULL,
    answer_code text NOT NULL, year integer NOT NULL, respondents integer NOT NULL, submission_key bigint NOT NULL,
    PRIMARY KEY (survey_code, question_code, group_code, health_place_code, answer_code)
);
COMMENT ON TABLE core.survey_answer IS 'Grain: survey x question x group x health place x answer: how many gave it. Counted before it came; no row is one family. Answers 4 and 5 are the two best.';

CREATE TABLE core.redress (
    month date NOT NULL, kind_code text NOT NULL, stage_code text NOT NULL, subject_code text NOT NULL, outcome_code text NOT NULL,
    cases integer NOT NULL, median_days integer, submission_key bigint NOT NULL,
    PRIMARY KEY (month, kind_code, stage_code, subject_code, outcome_code)
);
COMMENT ON TABLE core.redress IS 'Grain: month x way (complaint, mediation, appeal) x stage x subject x outcome: cases that reached the stage in the month. The stage lodged counts each case once.';

CREATE TABLE core.improvement_action (
    action_ref text PRIMARY KEY, theme_code text NOT NULL, owner_role_code text NOT NULL, start_date date, due_date date NOT NULL,
    completed_date date, status_code text NOT NULL, measure_code text NOT NULL, baseline double precision, target double precision,
    actual double precision, measured_on date, submission_key bigint NOT NULL
);
COMMENT ON TABLE core.improvement_action IS 'Grain: one action of the improvement plan, tied to the measure that shows whether it worked. Its wording stays in the plan.';

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['attainment', 'pupil_history', 'destination', 'bought_placement'] LOOP
        EXECUTE format('CREATE INDEX ON core.%I (person_key)', t);
    END LOOP;
END $$;
