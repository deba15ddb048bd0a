-- Grain: one assessment.
SELECT
    row_number() OVER (ORDER BY number) AS _row, number AS _parent, person AS _person,
    assessed_on::VARCHAR AS "AssessmentActualStartDate", past((assessed_on + INTERVAL 10 DAY)::DATE)::VARCHAR AS "AssessmentInternalReviewDate",
    authorised_on::VARCHAR AS "AssessmentAuthorisationDate", NULL::VARCHAR AS "+assessment_factor"
FROM episode_now WHERE assessed_on IS NOT NULL
