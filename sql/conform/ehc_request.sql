-- Grain: one request for an EHC needs assessment with its assessment.
-- Key: agency_code, dataset_code, request_ref (record, day received). Owner: SEND data team.
-- Of earlier returns what ended before the year of a later one, and what a plan hangs on; the day of a withdrawal is not told,
-- so that of receipt is taken. A return that knows how the request ended, or the newest, stands before one that calls it
-- historical (H) or knew it as open then: nobody tells of it as open now. Then the newer return, then of the same request
-- delivered twice the row that got further, then the later row.
WITH outcome AS (
    SELECT submission_key, requeststableid, assessmentoutcome, assessmentoutcomedate, week20
    FROM sen2__assessment
    QUALIFY row_number() OVER (PARTITION BY submission_key, requeststableid ORDER BY source_row DESC) = 1
),
told AS (
    SELECT
        request.*, ehc_case.request_ref, told_before, outcome.assessmentoutcome, outcome.assessmentoutcomedate, outcome.week20,
        CASE
            WHEN request.requestoutcome = 'N' THEN request.requestoutcomedate
            WHEN 'W' IN (request.requestoutcome, outcome.assessmentoutcome) THEN request.receiveddate
            WHEN outcome.assessmentoutcome IN ('Y', 'N') THEN outcome.assessmentoutcomedate
        END AS ended_on
    FROM sen2__requests AS request
    JOIN case_return USING (submission_key)
    JOIN ehc_case USING (submission_key, requeststableid)
    LEFT JOIN outcome USING (submission_key, requeststableid)
    WHERE request.requestoutcome IS NOT NULL
)
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, request_ref, receiveddate AS received_date,
    requestsource AS source_code, requestoutcome AS request_outcome_code, requestoutcomedate AS request_outcome_date,
    assessmentoutcome AS assessment_outcome_code, assessmentoutcomedate AS assessment_outcome_date, week20 AS is_exception
FROM told
WHERE told_before IS NULL OR request_ref IN (SELECT request_ref FROM ehc_plan_case) OR told_before > ended_on
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, request_ref
    ORDER BY requestoutcome = 'H' OR (told_before IS NOT NULL AND ended_on IS NULL), period_end DESC, submission_key DESC,
        assessmentoutcomedate IS NULL, requestoutcomedate IS NULL, source_row DESC
) = 1
