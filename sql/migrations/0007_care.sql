-- Children looked after, care leavers and early help.
CREATE TABLE core.looked_after_episode (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    start_date date NOT NULL, end_date date, start_reason_code text, end_reason_code text, legal_status_code text, need_code text,
    placement_code text, placement_provider_code text, placement_urn text, placement_change_code text, is_short_break boolean NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, start_date)
);
COMMENT ON TABLE core.looked_after_episode IS 'Grain: one episode of being looked after, with one legal status and one placement. A child is looked after on a day on which an episode that is no short break has started and not ended.';
COMMENT ON COLUMN core.looked_after_episode.is_short_break IS 'Legal status V3 or V4: a series of short breaks, not counted as being looked after.';
COMMENT ON COLUMN core.looked_after_episode.need_code IS 'Category of need; N2 is the child''s disability.';
COMMENT ON COLUMN core.looked_after_episode.placement_code IS 'K1 secure children''s home, K2 children''s home, R1 residential care home, S1 residential school; the others are in core.code.';
COMMENT ON COLUMN core.looked_after_episode.placement_urn IS 'Ofsted''s number of the placement; no school''s.';

CREATE TABLE core.looked_after_review (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    review_date date NOT NULL, participation_code text,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, review_date)
);
COMMENT ON TABLE core.looked_after_review IS 'Grain: one review of a child looked after.';

CREATE TABLE core.looked_after_outcome (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    observed_on date NOT NULL, sdq_score integer, is_immunised boolean, has_teeth_checked boolean, has_health_assessment boolean,
    has_health_promotion_checks boolean,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, observed_on)
);
COMMENT ON TABLE core.looked_after_outcome IS 'Grain: one child looked after for a year, in one year to 31 March.';
COMMENT ON COLUMN core.looked_after_outcome.sdq_score IS 'Strengths and difficulties, 0 to 40; 17 and more is a cause for concern.';
COMMENT ON COLUMN core.looked_after_outcome.has_health_promotion_checks IS 'For children under 5 alone.';

CREATE TABLE core.care_leaver (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    observed_on date NOT NULL, contact_code text, activity_code text, accommodation_code text, is_suitable_accommodation boolean,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, observed_on)
);
COMMENT ON TABLE core.care_leaver IS 'Grain: one care leaver of 17 to 21 in one year to 31 March, as known around the birthday.';

CREATE TABLE core.early_help_episode (
    agency_code text NOT NULL, dataset_code text NOT NULL, record_pseudonym text NOT NULL,
    person_key uuid, submission_key bigint NOT NULL,
    start_date date NOT NULL, assessment_date date, end_date date, lead_code text, observed_to date NOT NULL,
    PRIMARY KEY (agency_code, dataset_code, record_pseudonym, start_date)
);
COMMENT ON TABLE core.early_help_episode IS 'Grain: one early help episode of a child. Where the extract is the inspection list, the end is not known.';
COMMENT ON COLUMN core.early_help_episode.observed_to IS 'Last day of the period of the extract that told of it last.';

CREATE INDEX ON core.looked_after_episode (person_key);
CREATE INDEX ON core.looked_after_review (person_key);
CREATE INDEX ON core.looked_after_outcome (person_key);
CREATE INDEX ON core.care_leaver (person_key);
CREATE INDEX ON core.early_help_episode (person_key);
