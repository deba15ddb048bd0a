-- Patients left out because they opted out.
SELECT count(DISTINCT referral.person)
FROM world.mental_referral AS referral JOIN world.person AS person USING (person)
WHERE referral.trust = getvariable('agency') AND person.is_opted_out
    AND referral.received_on <= getvariable('snapshot') AND referral.closed_on >= getvariable('window_start')
