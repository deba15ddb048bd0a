-- Grain: one disability that social care recorded for a child.
-- Key: agency_code, dataset_code, record_pseudonym, disability_code. Owner: social care data team.
-- NONE says that the child has none and is not a disability.
SELECT agency_code, dataset_code, record_pseudonym, max(submission_key) AS submission_key, disability AS disability_code,
    max(coalesce(reference_day, period_end)) AS observed_on
FROM cin_census__disability LEFT JOIN day_of_return USING (submission_key)
WHERE record_pseudonym IS NOT NULL AND disability IS NOT NULL AND disability <> 'NONE'
GROUP BY agency_code, dataset_code, record_pseudonym, disability
