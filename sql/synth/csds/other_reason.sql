-- Grain: a further reason that some referrals have.
SELECT row_number() OVER (ORDER BY _row) AS _row, _person, "ServiceRequestID", printf('%03d', 10 + _referral % 40) AS "ReferralReason_Other"
FROM referral WHERE _referral % 12 = 0
