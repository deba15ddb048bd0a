-- Grain: one time of being missing or away.
SELECT
    row_number() OVER (ORDER BY number) AS _row, record AS _record, person AS _person, la_child_id AS "CHILD", dob AS "DOB",
    CASE WHEN number % 5 = 0 THEN 'A' ELSE 'M' END AS "MISSING", source_date(missing_on) AS "MIS_START", source_date(found_on) AS "MIS_END"
FROM period_now WHERE missing_on IS NOT NULL
