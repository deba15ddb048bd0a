-- Grain: one patient of the trust. The number of a patient is the trust's own, whatever the service.
SELECT
    row_number() OVER (ORDER BY local_id) AS _row, record AS _record, person AS _person, local_id AS "LocalPatientID",
    getvariable('ods_code') AS "OrgIDLocalPatientID", NULL::VARCHAR AS "OrgIDEduEstab",
    CASE WHEN getvariable('is_spaced') THEN regexp_replace(nhs, '^(...)(...)', '\1 \2 ') ELSE nhs END AS "NHSNumber",
    CASE WHEN nhs IS NULL THEN '03' WHEN record % 97 = 0 THEN '02' ELSE '01' END AS "NHSNumberStatus",
    source_date(birth) AS "PersonBirthDate",
    CASE WHEN getvariable('is_spaced') THEN postcode ELSE replace(postcode, ' ', '') END AS "Postcode",
    CASE WHEN record % 83 = 0 THEN '3' WHEN sex = 'M' THEN '1' WHEN sex = 'F' THEN '2' ELSE 'Z' END AS "GenderIDCode",
    CASE WHEN record % 83 = 0 THEN 'N' ELSE 'Y' END AS "GenderSameAtBirth", NULL::VARCHAR AS "Gender",
    NULL::VARCHAR AS "MaritalStatus", nhs_ethnicity AS "EthnicCategory", NULL::VARCHAR AS "EthnicCategory2021",
    'en' AS "LanguageCodePreferred", NULL::VARCHAR AS "PersDeathDate", NULL::VARCHAR AS "Person_ID"
FROM (
    SELECT record.*, truth.nhs_ethnicity,
        printf('%s%08d', getvariable('ods_code'), scrambled(local_number, getvariable('agency'))::BIGINT) AS local_id
    FROM record JOIN world.person AS truth USING (person)
    WHERE (record.person, record.identity) IN (SELECT (person, identity) FROM open_referral)
)
