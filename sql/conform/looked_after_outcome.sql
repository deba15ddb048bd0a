-- Grain: one child looked after for a year, in one year: health and strengths and difficulties.
-- Key: agency_code, dataset_code, record_pseudonym, observed_on. Owner: social care data team.
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, period_end AS observed_on, sdq_score,
    immunisations AS is_immunised, teeth_check AS has_teeth_checked, health_assessment AS has_health_assessment,
    health_check AS has_health_promotion_checks
FROM ssda903__oc2
WHERE record_pseudonym IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY agency_code, dataset_code, record_pseudonym, period_end ORDER BY source_row) = 1
