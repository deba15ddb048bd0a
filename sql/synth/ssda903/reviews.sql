-- Grain: one review: a month after a child came into care, then about every half year; those of the year.
SELECT
    row_number() OVER (ORDER BY number, reviewed_on) AS _row, record AS _record, person AS _person, la_child_id AS "CHILD", dob AS "DOB",
    source_date(reviewed_on) AS "REVIEW",
    CASE WHEN reviewed_on < (source_day(dob) + INTERVAL 4 YEAR)::DATE THEN 'PN0' ELSE printf('PN%d', 1 + (number + _at) % 7) END AS "REVIEW_CODE"
FROM (
    SELECT *, unnest(generate_series(started_on + INTERVAL 25 DAY, until, INTERVAL 170 DAY))::DATE AS reviewed_on,
        generate_subscripts(generate_series(started_on + INTERVAL 25 DAY, until, INTERVAL 170 DAY), 1) AS _at
    FROM period_now WHERE kind <> 'breaks'
)
WHERE reviewed_on > getvariable('snapshot') - INTERVAL 1 YEAR
    -- Around the fourth birthday either code is right for some day of the month.
    AND abs(date_diff('day', reviewed_on, (source_day(dob) + INTERVAL 4 YEAR)::DATE)) > 40
