-- Everybody with a plan in force at the end of the month or on SEN support and known to the council.
SELECT person, 0 AS identity, 0 AS copy, min(first_event) AS first_event
FROM (
    SELECT person, received_on AS first_event FROM world.plan_case
    WHERE started_on <= getvariable('month_end') AND (ceased_on IS NULL OR ceased_on > getvariable('month_end'))
    UNION ALL
    SELECT person, entered_on FROM world.pupil WHERE status = 'K' AND is_told
)
GROUP BY person
