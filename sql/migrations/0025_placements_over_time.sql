-- Placements and reviews as every return that stands tells them; and the schools of history by the number of the register.
CREATE TABLE core.ehc_placement_spell (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    placement_ref text NOT NULL, plan_ref text NOT NULL, placement_rank integer NOT NULL, provider_urn text, provider_ukprn text,
    setting_code text, provision_code text NOT NULL, entry_date date NOT NULL, leaving_date date,
    valid_from date NOT NULL, valid_to date, first_seen_on date NOT NULL, last_seen_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, placement_ref, valid_from),
    CHECK (valid_to > valid_from)
);
CREATE INDEX ON core.ehc_placement_spell (person_key);
COMMENT ON TABLE core.ehc_placement_spell IS 'Grain: a time in which a plan had a placement at one provider, of one rank and provision. Since the child came there, or the plan started; until it left, the next placement of that rank began, the next return in which the plan is in force does not show it, or the plan was over. What left before the oldest return, and the placements of a plan that no return had in force, are not told.';

CREATE TABLE core.ehc_review (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    plan_ref text NOT NULL, review_date date NOT NULL, first_seen_on date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, plan_ref, review_date)
);
CREATE INDEX ON core.ehc_review (person_key);
COMMENT ON TABLE core.ehc_review IS 'Grain: one annual review of a plan. A return tells the last review of each plan in force; so these are the last ones by the day of each return, and one that a later return denies is not here.';

ALTER TABLE core.pupil_history ADD COLUMN provider_urn text;
