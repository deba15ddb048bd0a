-- Grain: one early help episode of a child.
-- Key: agency_code, dataset_code, record_pseudonym, start_date. Owner: social care data team.
-- An extract carries what began lately; an episode stands as the latest one says that holds it.
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, assessment_start_date AS start_date,
    assessment_completion_date AS assessment_date, episode_end_date AS end_date,
    organisation_completing_assessment AS lead_code, period_end AS observed_to
FROM early_help__episodes
WHERE record_pseudonym IS NOT NULL AND assessment_start_date IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, record_pseudonym, assessment_start_date
    ORDER BY period_end DESC, episode_end_date IS NULL, source_row DESC
) = 1
