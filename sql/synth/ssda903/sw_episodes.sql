-- Grain: one time under one social worker; every third child in care had a change in the year.
WITH worker AS (
    SELECT *, greatest(started_on, (getvariable('snapshot') - INTERVAL 364 DAY)::DATE) AS began_on, getvariable('snapshot') - 90 AS changed_on
    FROM period_now WHERE kind = 'open'
),
spell AS (
    SELECT *, began_on AS decom, CASE WHEN number % 3 = 0 AND began_on < changed_on THEN changed_on END AS dec, 1 AS part FROM worker
    UNION ALL
    SELECT *, changed_on, NULL, 2 FROM worker WHERE number % 3 = 0 AND began_on < changed_on
)
SELECT
    row_number() OVER (ORDER BY number, part) AS _row, record AS _record, person AS _person, la_child_id AS "CHILD", dob AS "DOB",
    printf('SW%05d', 10000 + (number * 37 + part) % 60) AS "SW_ID", source_date(decom) AS "SW_DECOM", source_date(dec) AS "SW_DEC",
    CASE WHEN dec IS NOT NULL THEN 'LEFTRL' END AS "SW_REASON"
FROM spell
