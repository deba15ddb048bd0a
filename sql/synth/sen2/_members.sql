-- Everybody for whom a request had been received by the end of the month.
SELECT person, 0 AS identity, 0 AS copy, min(received_on) AS first_event
FROM world.plan_case WHERE received_on <= getvariable('month_end') GROUP BY person
