-- Grain: one decision to place a child for adoption: those adopted, and some that it was given up for.
SELECT
    row_number() OVER (ORDER BY number) AS _row, record AS _record, person AS _person, la_child_id AS "CHILD", dob AS "DOB",
    source_date(greatest(started_on, (until - INTERVAL 200 DAY)::DATE)) AS "DATE_PLACED",
    CASE WHEN kind = 'open' THEN source_date((until - INTERVAL 30 DAY)::DATE) END AS "DATE_PLACED_CEASED",
    CASE WHEN kind = 'open' THEN 'RD1' END AS "REASON_PLACED_CEASED"
FROM period_now
WHERE kind = 'adopted' OR (kind = 'open' AND started_on < until - 60 AND source_day(dob) > until - 1800 AND number % 9 = 0)
