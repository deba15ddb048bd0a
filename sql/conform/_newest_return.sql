-- Lookup: the newest return of each social care collection. A case that was open in an earlier return and is not in the
-- next one was taken out of it, so of earlier returns only what had ended by then still stands.
-- Key: agency_code, dataset_code. Owner: social care data team.
SELECT agency_code, dataset_code, max(submission_key) AS submission_key
FROM (
    SELECT agency_code, dataset_code, submission_key, period_end FROM cin_census__child
    UNION ALL
    SELECT agency_code, dataset_code, submission_key, period_end FROM ssda903__header
)
GROUP BY agency_code, dataset_code, period_end
QUALIFY period_end = max(period_end) OVER (PARTITION BY agency_code, dataset_code)
