-- Grain: a further team of a referral: some children are seen by the child and adolescent team as well.
SELECT
    row_number() OVER (ORDER BY laid._row) AS _row, laid._person, laid."ServiceRequestID",
    'MHA06' || getvariable('ods_code') AS "OtherCareProfTeamLocalID", laid."ServDischDate" AS "ReferClosureDate",
    NULL::VARCHAR AS "ReferClosureTime", NULL::VARCHAR AS "ReferRejectionDate", NULL::VARCHAR AS "ReferRejectionTime",
    NULL::VARCHAR AS "ReferRejectReason", laid."ReferClosReason"
FROM referral AS laid JOIN open_referral ON open_referral.referral = laid._referral
WHERE open_referral.team IN ('C01', 'C04') AND open_referral.seen_on <= getvariable('snapshot') AND laid._referral % 6 = 0
