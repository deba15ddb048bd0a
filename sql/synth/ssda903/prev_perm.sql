-- Grain: one child that came into care within the year.
SELECT
    row_number() OVER (ORDER BY number) AS _row, record AS _record, person AS _person, la_child_id AS "CHILD", dob AS "DOB",
    CASE WHEN has_order THEN 'P2' ELSE 'Z1' END AS "PREV_PERM", CASE WHEN has_order THEN getvariable('la_code') END AS "LA_PERM",
    CASE WHEN has_order THEN source_date((source_day(dob) + INTERVAL 2 YEAR)::DATE) END AS "DATE_PERM"
FROM (
    SELECT *, had_order AND source_day(dob) + INTERVAL 2 YEAR < started_on AS has_order FROM period_now
    WHERE started_on > getvariable('snapshot') - INTERVAL 1 YEAR AND kind <> 'breaks'
)
