-- Grain: survey x group x health place.
SELECT
    row_number() OVER (ORDER BY survey, respondent_group, health_place) AS _row, survey,
    respondent_group, health_place, invited::VARCHAR AS invited, returned::VARCHAR AS returned
FROM "group"
