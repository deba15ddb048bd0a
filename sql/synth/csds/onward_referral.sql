-- Grain: a referral onward, at the discharge from some referrals.
SELECT row_number() OVER (ORDER BY _row) AS _row, _person, "ServiceRequestID", "Discharge_Date" AS "Onward_ReferralDate",
    '03' AS "Onward_ReferralReason", 'RXQ' AS "OrgID_Receiving"
FROM referral WHERE _referral % 10 = 0 AND "Discharge_Date" IS NOT NULL
