-- Grain: survey x group x health place.
SELECT
    row_number() OVER (ORDER BY respondent_group, health_place) AS _row, 'FAM' || right(year(getvariable('period_end'))::VARCHAR, 2) AS survey,
    respondent_group, health_place, invited::VARCHAR AS invited, returned::VARCHAR AS returned
FROM "group"
