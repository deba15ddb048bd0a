-- Children left out because they, or their parents, opted out.
SELECT count(DISTINCT plan_case.person)
FROM world.plan_case AS plan_case JOIN world.person AS person USING (person)
WHERE plan_case.decision = 'Y' AND plan_case.decided_on <= getvariable('month_end')
    AND plan_case.decided_on >= getvariable('two_years_ago') AND person.is_opted_out
