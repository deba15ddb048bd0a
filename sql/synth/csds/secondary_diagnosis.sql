-- Grain: a second diagnosis that paediatrics made.
SELECT
    row_number() OVER (ORDER BY laid._row) AS _row, laid._person, laid."ServiceRequestID", getvariable('scheme') AS "Diagnosis_Scheme",
    CASE getvariable('scheme') WHEN '02' THEN coding.icd10 ELSE coding.snomed END AS "SecondaryDiagnosis",
    source_date(open_referral.seen_on + 21) AS "SecondaryDiagnosis_Date"
FROM referral AS laid
JOIN open_referral ON open_referral.referral = laid._referral
JOIN world.need AS need ON need.person = laid._person
JOIN world.health_code AS coding USING (need)
WHERE open_referral.is_consultant_led AND open_referral.rejected_on IS NULL AND need.rank = 2 AND open_referral.seen_on + 21 <= getvariable('snapshot')
