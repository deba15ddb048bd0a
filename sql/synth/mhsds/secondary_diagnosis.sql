-- Grain: a second diagnosis that a team made.
SELECT
    row_number() OVER (ORDER BY laid._row) AS _row, laid._person, laid."ServiceRequestID", getvariable('scheme') AS "DiagSchemeInUse",
    CASE getvariable('scheme') WHEN '02' THEN coding.icd10 ELSE coding.snomed END AS "SecDiag",
    strftime(open_referral.seen_on + 21, '%Y-%m-%dT10:30:00') AS "CodedDiagTimestamp"
FROM referral AS laid
JOIN open_referral ON open_referral.referral = laid._referral
JOIN world.need AS need ON need.person = laid._person
JOIN world.health_code AS coding USING (need)
WHERE open_referral.rejected_on IS NULL AND open_referral.seen_on + 21 <= getvariable('snapshot') AND need.rank = 2
