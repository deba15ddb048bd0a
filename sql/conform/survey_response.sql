-- Grain: survey x group x health place.
-- Key: survey_code, group_code, health_place_code. Owner: participation team.
SELECT
    survey AS survey_code, respondent_group AS group_code, health_place AS health_place_code, year(period_end) AS year, invited, returned,
    submission_key
FROM family_survey__response
WHERE survey IS NOT NULL AND respondent_group IS NOT NULL AND health_place IS NOT NULL AND invited IS NOT NULL AND returned IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY survey, respondent_group, health_place ORDER BY period_end DESC, agency_code, source_row DESC
) = 1
