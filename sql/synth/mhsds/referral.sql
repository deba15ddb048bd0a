-- Grain: one referral. A patient who is in the index twice has some of them under each number.
WITH patient AS (
    SELECT mpi."LocalPatientID" AS local_id, record.person, record.identity, record.copy,
        count(*) OVER (PARTITION BY record.person, record.identity) AS copies
    FROM mpi JOIN record ON record.record = mpi._record
)
SELECT
    row_number() OVER (ORDER BY referral.received_on, referral.referral) AS _row, referral.person AS _person,
    referral.referral AS _referral, referral.service_request_id AS "ServiceRequestID", patient.local_id AS "LocalPatientID",
    person.commissioner AS "OrgIDComm", referral.team_id AS "CareProfTeamLocalID",
    source_date(referral.received_on) AS "ReferralRequestReceivedDate", NULL::VARCHAR AS "ReferralRequestReceivedTime",
    NULL::VARCHAR AS "NHSServAgreeLineID", NULL::VARCHAR AS "SpecialisedMHServiceCode", referral.asked_by AS "SourceOfReferralMH",
    NULL::VARCHAR AS "OrgIDReferringOrg", NULL::VARCHAR AS "ReferringCareProfessionalType",
    referral.priority AS "ClinRespPriorityType", printf('%02d', 10 + referral.referral % 7) AS "PrimReasonReferralMH",
    NULL::VARCHAR AS "ReasonOAT", NULL::VARCHAR AS "DecisionToTreatDate", NULL::VARCHAR AS "DecisionToTreatTime",
    NULL::VARCHAR AS "DischPlanCreationDate", NULL::VARCHAR AS "DischPlanCreationTime",
    NULL::VARCHAR AS "DischPlanLastUpdatedDate", NULL::VARCHAR AS "DischPlanLastUpdatedTime",
    CASE WHEN referral.closed_on <= getvariable('snapshot') THEN source_date(referral.closed_on) END AS "ServDischDate",
    NULL::VARCHAR AS "ServDischTime",
    CASE WHEN referral.rejected_on <= getvariable('snapshot') THEN source_date(referral.rejected_on) END AS "ReferRejectionDate",
    NULL::VARCHAR AS "ReferRejectionTime",
    CASE WHEN referral.rejected_on <= getvariable('snapshot') THEN '02' END AS "ReferRejectReason",
    CASE WHEN referral.closed_on <= getvariable('snapshot') AND referral.rejected_on IS NULL THEN '01' END AS "ReferClosReason"
FROM open_referral AS referral
JOIN patient
    ON patient.person = referral.person AND patient.identity = referral.identity
    AND patient.copy = CASE WHEN patient.copies > 1 THEN referral.referral % 2 ELSE 0 END
JOIN world.person AS person ON person.person = referral.person
