-- Grain: one disability that social care or a health provider recorded for a child.
-- Key: agency_code, dataset_code, record_pseudonym, disability_code. Owner: social care and health data teams.
-- NONE (social care), NN and ZZ (health: none, not stated) are no disability. What a later period does not repeat stands.
WITH told AS (
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, disability AS code, coalesce(reference_day, period_end) AS day
    FROM cin_census__disability LEFT JOIN day_of_return USING (submission_key)
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, disability, period_end FROM csds__disability
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, disabcode, period_end FROM mhsds__disability
)
SELECT agency_code, dataset_code, record_pseudonym, arg_max(submission_key, (day, submission_key)) AS submission_key,
    code AS disability_code, max(day) AS observed_on
FROM told
WHERE record_pseudonym IS NOT NULL AND code IS NOT NULL AND code NOT IN ('NONE', 'NN', 'ZZ')
GROUP BY agency_code, dataset_code, record_pseudonym, code
