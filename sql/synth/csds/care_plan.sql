-- Grain: the care plan that some patients have once they were seen.
SELECT
    row_number() OVER (ORDER BY laid._row) AS _row, laid._person, printf('31%010d', laid._referral) AS "PlanID", laid."LocalPatientID",
    '01' AS "Plan_Type", source_date(open_referral.seen_on + 10) AS "Plan_CreatedDate", NULL::VARCHAR AS "Plan_CreatedTime",
    source_date(open_referral.seen_on + 24) AS "Plan_LastUpdateDate", NULL::VARCHAR AS "Plan_LastUpdateTime",
    source_date(open_referral.seen_on + 10) AS "Plan_ImplementDate"
FROM referral AS laid JOIN open_referral ON open_referral.referral = laid._referral
WHERE laid._referral % 9 = 0 AND open_referral.seen_on + 24 <= getvariable('snapshot')
