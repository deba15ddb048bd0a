-- Health: diagnoses, GP practices, advice for EHC assessments, staff in post; two systems of team types in one column.
CREATE TABLE core.diagnosis (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    rank_code text NOT NULL CHECK (rank_code IN ('primary', 'secondary', 'provisional', 'previous')),
    scheme_code text NOT NULL, diagnosis_code text NOT NULL, diagnosed_date date, observed_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, rank_code, scheme_code, diagnosis_code)
);
COMMENT ON TABLE core.diagnosis IS 'Grain: one diagnosis of a child, by standing and code, as a provider last coded it. Most referrals to therapies have none: absence is no sign of health.';
COMMENT ON COLUMN core.diagnosis.rank_code IS 'primary or secondary of a referral; provisional: suspected; previous: from the medical history.';
COMMENT ON COLUMN core.diagnosis.scheme_code IS '02 ICD-10, 06 SNOMED CT; where the source does not say, by the form of the code.';
COMMENT ON COLUMN core.diagnosis.diagnosed_date IS 'The earliest day given with it.';

CREATE TABLE core.gp_registration (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    gp_practice_code text NOT NULL, start_date date, observed_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym)
);
COMMENT ON TABLE core.gp_registration IS 'Grain: the general practice of a child, as one source last knew it.';

CREATE TABLE core.ehc_advice (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    advice_ref text NOT NULL, profession_code text NOT NULL, asked_date date NOT NULL, due_date date NOT NULL, returned_date date,
    exception_code text, is_withdrawn boolean NOT NULL, is_in_time boolean, observed_to date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, advice_ref)
);
COMMENT ON TABLE core.ehc_advice IS 'Grain: one request to a health profession for advice on a child in an EHC needs assessment.';
COMMENT ON COLUMN core.ehc_advice.asked_date IS 'The day the request was received; the six weeks count from it.';
COMMENT ON COLUMN core.ehc_advice.due_date IS 'Six weeks (42 days) after asked_date, whatever the log says (SEND Regulations 2014, regulation 8).';
COMMENT ON COLUMN core.ehc_advice.is_in_time IS 'True: given by due_date. False: given later, or not given and due before observed_to. NULL: still running, taken back, or late under an exception.';

CREATE TABLE core.staff_in_post (
    provider_code text NOT NULL, service_code text NOT NULL, profession_code text NOT NULL, month date NOT NULL,
    wte_funded double precision, wte_in_post double precision NOT NULL, vacancy_count integer, submission_key bigint NOT NULL,
    PRIMARY KEY (provider_code, service_code, profession_code, month)
);
COMMENT ON TABLE core.staff_in_post IS 'Grain: provider x service x profession x month. Whole-time equivalents (wte) at the end of the month, not people.';
COMMENT ON COLUMN core.staff_in_post.service_code IS 'Type of team, as core.referral has it.';
COMMENT ON COLUMN core.staff_in_post.month IS 'The first day of the month.';

COMMENT ON TABLE core.disability IS 'Grain: one disability that social care or a health provider recorded for a child (none and not stated are not loaded).';
COMMENT ON COLUMN core.disability.disability_code IS 'Letters: a code of social care (list cin_disability). Digits or XX: a code of the NHS (list nhs_disability).';
COMMENT ON COLUMN core.referral.team_type_code IS 'Two digits: a community team (list csds_team_type). A letter and two digits: a mental health team (list mhsds_team_type). Or unknown.';
COMMENT ON COLUMN core.referral.observed_to IS 'The last day that is known of: the end of the provider''s newest period where the referral has ended, else of the last period that carried it. A referral that stays away from a later period is not thereby discharged.';

CREATE INDEX ON core.diagnosis (person_key);
CREATE INDEX ON core.gp_registration (person_key);
CREATE INDEX ON core.ehc_advice (person_key);
