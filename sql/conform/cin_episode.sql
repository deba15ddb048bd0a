-- Grain: one referral to children's social care and the episode of need that followed.
-- Key: agency_code, dataset_code, record_pseudonym, referral_date. Owner: social care data team.
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, cinreferraldate AS referral_date, cinclosuredate AS closure_date,
    primaryneedcode AS primary_need_code, referralsource AS source_code, referralnfa AS is_no_further_action
FROM cin_census__cin_details
WHERE record_pseudonym IS NOT NULL AND cinreferraldate IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, record_pseudonym, cinreferraldate ORDER BY cinclosuredate IS NULL, source_row DESC
) = 1
