-- Grain: one request for an EHC needs assessment with its assessment.
-- Key: agency_code, dataset_code, request_ref (record, day received). Owner: SEND data team.
-- Of earlier returns what ended before the year of a later one, and what a plan hangs on; the day of a withdrawal is not told,
-- so that of receipt is taken. A return that still knows the days stands before one that calls the request historical (H),
-- then the newer return, then of the same request delivered twice the row that got further, then the later row.
WITH outcome AS (
    SELECT submission_key, requeststableid, assessmentoutcome, assessmentoutcomedate, week20
    FROM sen2__assessment
    QUALIFY row_number() OVER (PARTITION BY submission_key, requeststableid ORDER BY source_row DESC) = 1
)
SELECT
    request.agency_code, request.dataset_code, request.record_pseudonym, request.submission_key, ehc_case.request_ref,
    request.receiveddate AS received_date, request.requestsource AS source_code, request.requestoutcome AS request_outcome_code,
    request.requestoutcomedate AS request_outcome_date, outcome.assessmentoutcome AS assessment_outcome_code,
    outcome.assessmentoutcomedate AS assessment_outcome_date, outcome.week20 AS is_exception
FROM sen2__requests AS request
JOIN case_return USING (submission_key)
JOIN ehc_case USING (submission_key, requeststableid)
LEFT JOIN outcome USING (submission_key, requeststableid)
WHERE request.requestoutcome IS NOT NULL AND (
    told_before IS NULL OR ehc_case.request_ref IN (SELECT request_ref FROM ehc_plan_case) OR told_before > CASE
        WHEN request.requestoutcome = 'N' THEN request.requestoutcomedate
        WHEN 'W' IN (request.requestoutcome, outcome.assessmentoutcome) THEN request.receiveddate
        WHEN outcome.assessmentoutcome IN ('Y', 'N') THEN outcome.assessmentoutcomedate
    END
)
QUALIFY row_number() OVER (
    PARTITION BY request.agency_code, request.dataset_code, ehc_case.request_ref
    ORDER BY request.requestoutcome = 'H', request.period_end DESC, request.submission_key DESC,
        outcome.assessmentoutcomedate IS NULL, request.requestoutcomedate IS NULL, request.source_row DESC
) = 1
