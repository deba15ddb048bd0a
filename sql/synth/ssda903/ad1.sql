-- Grain: one child adopted in the year.
SELECT
    row_number() OVER (ORDER BY number) AS _row, record AS _record, person AS _person, la_child_id AS "CHILD", dob AS "DOB",
    source_date(greatest(started_on, (until - INTERVAL 200 DAY)::DATE)) AS "DATE_INT",
    source_date(greatest(started_on, (until - INTERVAL 120 DAY)::DATE)) AS "DATE_MATCH", (number % 4 = 0)::INTEGER::VARCHAR AS "FOSTER_CARE",
    '2' AS "NB_ADOPTR", 'MF' AS "SEX_ADOPTR", 'L11' AS "LS_ADOPTR"
FROM period_now WHERE kind = 'adopted'
