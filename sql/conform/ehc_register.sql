-- Grain: one child known to the EHC team.
-- Key: agency_code, dataset_code, record_pseudonym. Owner: SEND data team.
SELECT agency_code, dataset_code, record_pseudonym, submission_key, status AS status_code, period_end AS observed_on
FROM ehc_register__register
WHERE record_pseudonym IS NOT NULL AND status IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY source_row DESC) = 1
