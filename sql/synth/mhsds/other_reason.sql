-- Grain: a further reason that some referrals have.
SELECT row_number() OVER (ORDER BY _row) AS _row, _person, "ServiceRequestID", printf('%02d', 18 + _referral % 10) AS "OtherReasonReferMH"
FROM referral WHERE _referral % 12 = 0
