-- Grain: one young person with what they do now. Some dates are serial numbers of a spreadsheet, as in real files.
WITH listed AS (
    SELECT record.*, activity.* EXCLUDE (person), truth.ethnicity, truth.decile,
        row_number() OVER (ORDER BY scrambled(record.local_number, 'caseload')) AS number,
        printf('YP%08d', scrambled(record.local_number, 'caseload')::BIGINT) AS own_id, school.school_number
    FROM record
    JOIN world.activity AS activity USING (person)
    JOIN world.person AS truth USING (person)
    LEFT JOIN world.pupil AS pupil USING (person)
    LEFT JOIN world.school AS school ON school.school = pupil.school
)
SELECT
    number AS _row, record AS _record, person AS _person, '468' AS "DatabaseId", getvariable('la_code') AS "LEACode",
    (getvariable('period_end') + 9 - DATE '1899-12-30')::VARCHAR AS "DateOfSend", (getvariable('period_end') - DATE '1899-12-30')::VARCHAR AS "PeriodEnd",
    'caseload system' AS "SupplierName", '1' AS "SupplierXMLVersion", '2' AS "XMLSchemaVersion", own_id AS "YoungPersonsID", 'P' AS "CohortStatus",
    forename AS "GivenName", middle AS "MiddleName", surname AS "FamilyName", NULL::VARCHAR AS "AddressLine1", NULL::VARCHAR AS "AddressLine2",
    NULL::VARCHAR AS "AddressLine3", NULL::VARCHAR AS "AddressLine4", NULL::VARCHAR AS "Town", NULL::VARCHAR AS "County", postcode AS "Postcode",
    sex AS "Gender", strftime(birth, '%m/%Y') AS "moth/year of birth", ethnicity AS "Ethnicity", getvariable('la_code') AS "LeadLEA",
    getvariable('la_code') AS "EducatedLEA", uln AS "UniqueLearnerNo", upn AS "UniquePupilNumber", NULL::VARCHAR AS "PreviousYPIDIdentifier",
    'N' AS "GuaranteeStatusIndicator", getvariable('la_code') AS "LEACodeAtYear11", NULL::VARCHAR AS "TransferredToLACode",
    level AS "LevelOfNeedCode", CASE WHEN is_plan THEN 'Y' ELSE 'N' END AS "SENDFlag", CASE WHEN is_support THEN 'Y' ELSE 'N' END AS "SENSupportFlag",
    CASE WHEN record % 41 = 0 THEN '140' WHEN record % 53 = 0 THEN '110' END AS "CharacteristicCode", activity AS "ActivityCode",
    source_date(started_on) AS "StartDate", source_date(found_out_on) AS "DateAscertained",
    CASE WHEN record % 4 > 0 THEN source_date(greatest(found_out_on, getvariable('period_end') - 25)) END AS "DateVerified",
    source_date(found_out_on + 365) AS "DueToLapseDate", CASE WHEN activity LIKE '8%' THEN 'Y' ELSE 'N' END AS "CurrencyLapsed",
    CASE WHEN activity = '210' THEN school_number END AS "EstablishmentNumber", NULL::VARCHAR AS "EstablishmentName",
    CASE WHEN activity IN ('220', '230', '280') THEN '19900001' END AS "UKProviderReferenceNumber", NULL::VARCHAR AS "PredictedEndDate",
    NULL::VARCHAR AS "ReviewDate", source_date(neet_on) AS "NEETStartDate", CASE WHEN record % 7 = 0 THEN '608' END AS "IntendedDestinationYr11"
FROM listed
