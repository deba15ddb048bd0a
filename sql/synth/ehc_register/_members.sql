-- Everybody known to the EHC team on the day of the extract.
SELECT person, 0 AS identity, 0 AS copy, DATE '2100-01-01' AS first_event
FROM (
    SELECT person FROM world.plan_case WHERE received_on <= getvariable('week_day')
    UNION
    SELECT person FROM world.pupil WHERE status = 'K' AND is_told
)
