-- Grain: the diagnosis that a referral to paediatrics asks about.
SELECT
    row_number() OVER (ORDER BY laid._row) AS _row, laid._person, laid."ServiceRequestID", getvariable('scheme') AS "Diagnosis_Scheme",
    CASE getvariable('scheme') WHEN '02' THEN coding.icd10 ELSE coding.snomed END AS "ProvisionalDiagnosis",
    source_date(open_referral.received_on) AS "ProvisionalDiagnosis_Date"
FROM referral AS laid
JOIN open_referral ON open_referral.referral = laid._referral
JOIN world.need AS need ON need.person = laid._person
JOIN world.health_code AS coding USING (need)
WHERE open_referral.is_consultant_led AND open_referral.rejected_on IS NULL AND laid._referral % 3 = 0 AND open_referral.seen_on > getvariable('snapshot') AND need.rank = 1
