-- Grain: one referral. A patient who is in the index twice has some of them under each number.
WITH patient AS (
    SELECT mpi."LocalPatientID" AS local_id, record.person, record.identity, record.copy,
        count(*) OVER (PARTITION BY record.person, record.identity) AS copies
    FROM mpi JOIN record ON record.record = mpi._record
)
SELECT
    row_number() OVER (ORDER BY referral.received_on, referral.referral) AS _row, referral.person AS _person,
    referral.referral AS _referral, referral.service_request_id AS "ServiceRequestID", patient.local_id AS "LocalPatientID",
    person.commissioner AS "OrgID_Commissioner", source_date(referral.received_on) AS "ReferralRequest_ReceivedDate",
    NULL::VARCHAR AS "ReferralRequest_ReceivedTime", NULL::VARCHAR AS "ServiceLineAgreement", referral.asked_by AS "SourceOfReferral",
    NULL::VARCHAR AS "OrgID_Referring", NULL::VARCHAR AS "Referring_StaffGroup", referral.priority AS "Priority_Type",
    NULL::VARCHAR AS "PrimaryReferralReason",
    CASE WHEN referral.closed_on <= getvariable('snapshot') THEN source_date(referral.closed_on) END AS "Discharge_Date",
    NULL::VARCHAR AS "Discharge_LetterIssuedDate"
FROM open_referral AS referral
JOIN patient
    ON patient.person = referral.person AND patient.identity = referral.identity
    AND patient.copy = CASE WHEN patient.copies > 1 THEN referral.referral % 2 ELSE 0 END
JOIN world.person AS person ON person.person = referral.person
