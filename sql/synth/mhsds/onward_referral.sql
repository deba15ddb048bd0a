-- Grain: a referral onward, at the discharge from some referrals.
SELECT
    row_number() OVER (ORDER BY _row) AS _row, _person, "ServiceRequestID", NULL::VARCHAR AS "DecisionToReferDate",
    NULL::VARCHAR AS "DecisionToReferTime", "ServDischDate" AS "OnwardReferDate", NULL::VARCHAR AS "OnwardReferTime",
    '03' AS "OnwardReferReason", NULL::VARCHAR AS "OATReason", 'RXQ' AS "OrgIDReceiving", NULL::VARCHAR AS "ReferralProc"
FROM referral WHERE _referral % 10 = 0 AND "ServDischDate" IS NOT NULL
