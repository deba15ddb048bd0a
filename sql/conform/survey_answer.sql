-- Grain: survey x question x group x health place x answer.
-- Key: survey_code, question_code, group_code, health_place_code, answer_code. Owner: participation team.
SELECT
    survey AS survey_code, question AS question_code, respondent_group AS group_code, health_place AS health_place_code,
    answer AS answer_code, year(period_end) AS year, respondents, submission_key
FROM family_survey__answer
WHERE survey IS NOT NULL AND question IS NOT NULL AND respondent_group IS NOT NULL AND health_place IS NOT NULL AND answer IS NOT NULL
    AND respondents IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY survey, question, respondent_group, health_place, answer ORDER BY period_end DESC, agency_code, source_row DESC
) = 1
