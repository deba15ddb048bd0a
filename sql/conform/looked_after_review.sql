-- Grain: one review of a child looked after.
-- Key: agency_code, dataset_code, record_pseudonym, review_date. Owner: social care data team.
SELECT agency_code, dataset_code, record_pseudonym, submission_key, review AS review_date, review_code AS participation_code
FROM ssda903__reviews
WHERE record_pseudonym IS NOT NULL AND review IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, record_pseudonym, review ORDER BY period_end DESC, source_row DESC
) = 1
