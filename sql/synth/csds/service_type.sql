-- Grain: the team of a referral.
SELECT
    row_number() OVER (ORDER BY laid._row) AS _row, laid._person, laid."ServiceRequestID",
    'T' || open_referral.team || getvariable('ods_code') AS "TeamID_Local", open_referral.team AS "TeamType",
    laid."Discharge_Date" AS "Referral_ClosureDate",
    CASE WHEN open_referral.rejected_on <= getvariable('snapshot') THEN source_date(open_referral.rejected_on) END AS "Referral_RejectionDate",
    CASE WHEN laid."Discharge_Date" IS NOT NULL THEN '01' END AS "Referral_ClosureReason",
    CASE WHEN open_referral.rejected_on <= getvariable('snapshot') THEN '02' END AS "Referral_RejectionReason"
FROM referral AS laid JOIN open_referral ON open_referral.referral = laid._referral
