-- Patients left out because they opted out.
SELECT count(DISTINCT referral.person)
FROM (
    SELECT person, received_on, closed_on, trust FROM world.referral
    UNION ALL
    SELECT person, received_on, closed_on, trust FROM world.mental_referral
) AS referral
JOIN world.person AS person USING (person)
WHERE referral.trust = getvariable('agency') AND person.is_opted_out
    AND referral.received_on <= getvariable('month_end') AND referral.closed_on >= getvariable('two_years_ago')
