-- Grain: the care plan that some patients have once they were seen.
SELECT
    row_number() OVER (ORDER BY laid._row) AS _row, laid._person, printf('CP%010d', laid._referral) AS "CarePlanID", laid."LocalPatientID",
    '10' AS "CarePlanTypeMH", source_date(open_referral.seen_on + 10) AS "CarePlanCreatDate", NULL::VARCHAR AS "CarePlanCreationTime",
    source_date(open_referral.seen_on + 24) AS "CarePlanLastUpdateDate", NULL::VARCHAR AS "CarePlanLastUpdateTime",
    source_date(open_referral.seen_on + 10) AS "CarePlanImplementDate"
FROM referral AS laid JOIN open_referral ON open_referral.referral = laid._referral
WHERE laid._referral % 9 = 0 AND open_referral.seen_on + 24 <= getvariable('snapshot')
