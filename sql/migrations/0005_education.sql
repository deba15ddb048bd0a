-- Education: school censuses of all terms side by side, attendance, free school meals, the area SEND lists.
ALTER TABLE core.enrolment
ADD COLUMN provider_urn text,
ADD COLUMN leaving_date date,
ADD COLUMN is_current boolean NOT NULL DEFAULT true,
DROP CONSTRAINT enrolment_pkey,
ADD PRIMARY KEY (agency_code, dataset_code, enrolment_ref, census_date);
COMMENT ON TABLE core.enrolment IS 'Grain: one registration of a pupil at a school in one census, with its attendance in the term before (sessions are half days). A registration that lasts is there once for each census.';
COMMENT ON COLUMN core.enrolment.is_current IS 'On roll on the newest census day of the agency; false for earlier censuses and for leavers.';
COMMENT ON COLUMN core.enrolment.leaving_date IS 'The day on which a leaver left; NULL for a pupil on roll.';

CREATE TABLE core.attendance (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    enrolment_ref text NOT NULL, census_date date NOT NULL, part_code text NOT NULL CHECK (part_code IN ('term', 'summer_2')),
    group_code text NOT NULL, sessions integer NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, enrolment_ref, census_date, part_code, group_code)
);
COMMENT ON TABLE core.attendance IS 'Grain: registration x census x part of the year before it x group of attendance codes. Sessions are half days.';
COMMENT ON COLUMN core.attendance.part_code IS 'term: the term before the census; summer_2: the second half of the summer term, which the autumn census collects.';
COMMENT ON COLUMN core.attendance.group_code IS 'present, educational, authorised, unauthorised, unable or not_counted: code list attendance_group.';

CREATE TABLE core.free_school_meals (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    start_date date NOT NULL, end_date date, observed_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, start_date)
);
COMMENT ON TABLE core.free_school_meals IS 'Grain: one period in which a pupil was eligible for free school meals, as the newest census that has it says.';
COMMENT ON COLUMN core.free_school_meals.end_date IS 'The last day; NULL where the pupil was still eligible on observed_on.';

CREATE TABLE core.area_send_list (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    list_code text NOT NULL CHECK (list_code IN ('plan', 'support')), primary_need_code text, plan_issued_date date,
    plan_updated_date date, plan_reviewed_date date, is_home_educated boolean, is_pupil_premium boolean,
    is_known_to_social_care boolean, is_disabled boolean, suspension_count integer, exclusion_count integer,
    absence_pct double precision, observed_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym)
);
COMMENT ON TABLE core.area_send_list IS 'Grain: one child in the lists that an inspection of local SEND arrangements asks for. A child in both is with the plans.';
COMMENT ON COLUMN core.area_send_list.absence_pct IS 'Share of sessions missed in the last twelve months, as the list says it.';

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['attendance', 'free_school_meals', 'area_send_list'] LOOP
        EXECUTE format('CREATE INDEX ON core.%I (person_key)', name);
    END LOOP;
END $$;
