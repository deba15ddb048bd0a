-- Grain: a child's SEN status as one source last observed it.
-- Key: agency_code, dataset_code, record_pseudonym. Owner: SEND data team.
-- Legacy codes: S (statement) is a plan; A and P (school action, school action plus) are SEN support. Of two registrations
-- with different status the higher support counts: plan before support before none. Of several censuses the newest: it is
-- complete, so that a pupil who is no longer in it is not known to have a status now.
WITH observed AS (
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, census_day AS observed_on,
        CASE WHEN senprovision IN ('E', 'S') THEN 'E' WHEN senprovision IN ('K', 'A', 'P') THEN 'K' WHEN senprovision = 'N' THEN 'N' END
            AS status_code
    FROM school_census__pupilonroll JOIN census_day USING (submission_key)
    WHERE is_newest_census
    UNION ALL
    SELECT plan.agency_code, plan.dataset_code, plan.record_pseudonym, plan.submission_key, ehc_case.observed_on, 'E'
    FROM sen2__activeplans AS plan
    JOIN ehc_case USING (submission_key, requeststableid)
    JOIN case_return USING (submission_key)
    WHERE told_before IS NULL
)
SELECT agency_code, dataset_code, record_pseudonym, max(submission_key) AS submission_key, min(status_code) AS status_code,
    max(observed_on) AS observed_on
FROM observed
WHERE record_pseudonym IS NOT NULL AND status_code IS NOT NULL
GROUP BY agency_code, dataset_code, record_pseudonym
