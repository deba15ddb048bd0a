-- Grain: one ranked need of a child as one source last observed it (1 primary).
-- Key: agency_code, dataset_code, record_pseudonym, need_rank, need_code. Owner: SEND data team.
-- From the school census (all ranks the school gave) and from plans in force. Schools tell needs in spring only: those of
-- the newest census that has any stand until the next.
WITH observed AS (
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, sentype, sentyperank, census_day AS observed_on
    FROM (
        SELECT *, max(period_end) OVER (PARTITION BY agency_code) AS newest FROM school_census__senneeds
    ) JOIN census_day USING (submission_key)
    WHERE period_end = newest
    UNION ALL
    SELECT need.agency_code, need.dataset_code, need.record_pseudonym, need.submission_key, need.sentype, need.sentyperank,
        ehc_case.observed_on
    FROM sen2__senneed AS need
    JOIN sen2__activeplans AS plan USING (submission_key, activeplanstableid)
    JOIN ehc_case USING (submission_key, requeststableid)
    JOIN case_return USING (submission_key)
    WHERE told_before IS NULL
)
SELECT agency_code, dataset_code, record_pseudonym, max(submission_key) AS submission_key, sentype AS need_code,
    sentyperank AS need_rank, max(observed_on) AS observed_on
FROM observed
WHERE record_pseudonym IS NOT NULL AND sentype IS NOT NULL AND sentyperank IS NOT NULL
GROUP BY agency_code, dataset_code, record_pseudonym, sentype, sentyperank
