-- Lookup: each referral to a health provider as the last period that carries it tells it.
-- Key: agency_code, dataset_code, referral_ref. Owner: health data team.
-- Monthly extracts repeat a referral for as long as it is open; the newest telling stands, and staying away tells nothing.
WITH told AS (
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, source_row, servicerequestid AS referral_ref,
        referralrequest_receiveddate AS received_date, discharge_date, NULL::DATE AS rejected_date, NULL AS team_ref
    FROM csds__referral
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, source_row, servicerequestid,
        referralrequestreceiveddate, servdischdate, referrejectiondate, careprofteamlocalid
    FROM mhsds__referral
)
SELECT * FROM told
WHERE record_pseudonym IS NOT NULL AND referral_ref IS NOT NULL AND received_date IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY agency_code, dataset_code, referral_ref ORDER BY period_end DESC, source_row DESC) = 1
