-- Grain: one referral to children's social care and the episode of need that followed.
-- Key: agency_code, dataset_code, record_pseudonym, referral_date. Owner: social care data team.
-- A return carries a year; of several that hold the episode the latest tells how it went on.
SELECT
    detail.agency_code, detail.dataset_code, detail.record_pseudonym, detail.submission_key, detail.cinreferraldate AS referral_date,
    detail.cinclosuredate AS closure_date, detail.primaryneedcode AS primary_need_code, detail.referralsource AS source_code,
    detail.referralnfa AS is_no_further_action
FROM cin_census__cin_details AS detail
LEFT JOIN newest_return AS newest USING (submission_key)
WHERE detail.record_pseudonym IS NOT NULL AND detail.cinreferraldate IS NOT NULL
    AND (newest.submission_key IS NOT NULL OR detail.cinclosuredate IS NOT NULL)
QUALIFY row_number() OVER (
    PARTITION BY detail.agency_code, detail.dataset_code, detail.record_pseudonym, detail.cinreferraldate
    ORDER BY detail.period_end DESC, detail.cinclosuredate IS NULL, detail.source_row DESC
) = 1
