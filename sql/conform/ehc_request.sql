-- Grain: one request for an EHC needs assessment with its assessment.
-- Key: agency_code, dataset_code, request_ref (record, day received). Owner: SEND data team.
-- The same request delivered twice: the row that got further stands, then the later row.
WITH outcome AS (
    SELECT agency_code, requeststableid, assessmentoutcome, assessmentoutcomedate, week20
    FROM sen2__assessment
    QUALIFY row_number() OVER (PARTITION BY agency_code, requeststableid ORDER BY source_row DESC) = 1
)
SELECT
    request.agency_code, request.dataset_code, request.record_pseudonym, request.submission_key, ehc_case.request_ref,
    request.receiveddate AS received_date, request.requestsource AS source_code, request.requestoutcome AS request_outcome_code,
    request.requestoutcomedate AS request_outcome_date, outcome.assessmentoutcome AS assessment_outcome_code,
    outcome.assessmentoutcomedate AS assessment_outcome_date, outcome.week20 AS is_exception
FROM sen2__requests AS request
JOIN ehc_case USING (agency_code, requeststableid)
LEFT JOIN outcome USING (agency_code, requeststableid)
WHERE request.requestoutcome IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY request.agency_code, request.dataset_code, ehc_case.request_ref
    ORDER BY outcome.assessmentoutcomedate IS NULL, request.requestoutcomedate IS NULL, request.source_row DESC
) = 1
