-- Every patient with a referral in any of the extracts, under the identity it was made for. Those who opted out are left out.
SELECT referral.person, referral.identity, 0 AS copy, min(referral.received_on) AS first_event
FROM world.mental_referral AS referral JOIN world.person AS person USING (person)
WHERE referral.trust = getvariable('agency') AND NOT person.is_opted_out
    AND referral.received_on <= getvariable('month_end') AND referral.closed_on >= getvariable('two_years_ago')
GROUP BY referral.person, referral.identity
