-- Lookup: the referrals to this trust that were open at any time in the window of the extract, of patients who have not
-- opted out. The first extract goes back two years; a later one carries its own month.
SELECT referral.*, printf('91%010d', referral.referral) AS service_request_id
FROM world.referral AS referral JOIN world.person AS person USING (person)
WHERE referral.trust = getvariable('agency') AND NOT person.is_opted_out
    AND referral.received_on <= getvariable('snapshot') AND referral.closed_on >= getvariable('window_start')
