-- Grain: one patient of the trust.
SELECT
    row_number() OVER (ORDER BY local_id) AS _row, record AS _record, person AS _person, local_id AS "LocalPatientID",
    getvariable('ods_code') AS "OrgID_LocalPatientID", NULL::VARCHAR AS "OrgID_EducationEstablishment",
    CASE WHEN getvariable('is_spaced') THEN regexp_replace(nhs, '^(...)(...)', '\1 \2 ') ELSE nhs END AS "NHSNumber",
    CASE WHEN nhs IS NULL THEN '03' WHEN record % 97 = 0 THEN '02' ELSE '01' END AS "NHSNumber_Status",
    source_date(birth) AS "DateOfBirth",
    CASE WHEN getvariable('is_spaced') THEN postcode ELSE replace(postcode, ' ', '') END AS "Postcode",
    CASE sex WHEN 'M' THEN '1' WHEN 'F' THEN '2' ELSE '9' END AS "Gender", nhs_ethnicity AS "EthnicCategory",
    NULL::VARCHAR AS "EthnicCategory2021", 'en' AS "LanguagePreferred", NULL::VARCHAR AS "Relationship_MainCarer",
    NULL::VARCHAR AS "HVFAV_Date", CASE WHEN record % 110 = 0 THEN 'Y' ELSE 'N' END AS "ChildLookedAfter_Indicator",
    NULL::VARCHAR AS "Safeguarding_Indicator", NULL::VARCHAR AS "Disability_SupervisionAndCare_Indicator",
    NULL::VARCHAR AS "EducationAssessment", NULL::VARCHAR AS "DiscussedPreferredDeathLocation_Indicator",
    NULL::VARCHAR AS "RiskOfUnexpectedDeath_Indicator", NULL::VARCHAR AS "DeathLocationPreferred_Type",
    NULL::VARCHAR AS "DateOfDeath", NULL::VARCHAR AS "DeathLocationActual_Type",
    NULL::VARCHAR AS "NotAtPreferredLocation_Reason", NULL::VARCHAR AS "NHSNumber_Mother",
    NULL::VARCHAR AS "NHSNumberStatus_Mother", NULL::VARCHAR AS "Person_ID"
FROM (
    SELECT record.*, truth.nhs_ethnicity,
        printf('%s%08d', getvariable('ods_code'), scrambled(local_number, getvariable('agency'))::BIGINT) AS local_id
    FROM record JOIN world.person AS truth USING (person)
    WHERE (record.person, record.identity) IN (SELECT (person, identity) FROM open_referral)
)
