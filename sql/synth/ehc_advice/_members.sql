-- Every child on whom advice was asked for in the last two years. Those who opted out are left out.
SELECT plan_case.person, 0 AS identity, 0 AS copy, min(plan_case.decided_on) AS first_event
FROM world.plan_case AS plan_case JOIN world.person AS person USING (person)
WHERE plan_case.decision = 'Y' AND plan_case.decided_on <= getvariable('month_end')
    AND plan_case.decided_on >= getvariable('two_years_ago') AND NOT person.is_opted_out
GROUP BY plan_case.person
