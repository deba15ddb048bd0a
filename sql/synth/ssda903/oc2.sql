-- Grain: one child that was in care for the whole year.
SELECT
    row_number() OVER (ORDER BY number) AS _row, record AS _record, person AS _person, la_child_id AS "CHILD", dob AS "DOB",
    score::VARCHAR AS "SDQ_SCORE", no_score::VARCHAR AS "SDQ_REASON", '0' AS "CONVICTED", CASE WHEN is_under_5 THEN '1' END AS "HEALTH_CHECK",
    is_immunised::INTEGER::VARCHAR AS "IMMUNISATIONS", has_teeth_checked::INTEGER::VARCHAR AS "TEETH_CHECK",
    is_assessed::INTEGER::VARCHAR AS "HEALTH_ASSESSMENT", misuses::INTEGER::VARCHAR AS "SUBSTANCE_MISUSE",
    CASE WHEN misuses THEN '1' END AS "INTERVENTION_RECEIVED", NULL::VARCHAR AS "INTERVENTION_OFFERED"
FROM period_now WHERE is_for_a_year
