-- Lookup: the referrals to this trust that were open at any time in the two years before the end of the month, of
-- patients who have not opted out.
SELECT referral.*, printf('91%010d', referral.referral) AS service_request_id
FROM world.referral AS referral JOIN world.person AS person USING (person)
WHERE referral.trust = getvariable('agency') AND NOT person.is_opted_out
    AND referral.received_on <= getvariable('month_end') AND referral.closed_on >= getvariable('two_years_ago')
