-- Grain: one pupil at one school.
WITH needed AS (
    SELECT person, max(need) FILTER (WHERE rank = 1) AS first_need, max(need) FILTER (WHERE rank = 2) AS second_need
    FROM world.need GROUP BY person
)
SELECT
    number AS _row, record AS _record, person AS _person, right(estab, 4) AS "Estab", upn AS "UPN", surname AS "Surname", forename AS "Forename",
    middle AS "Middlenames", NULL::VARCHAR AS "PreferredSurname", former_surname AS "FormerSurname", sex AS "Gender",
    source_date(birth) AS "DoB", enrolled AS "EnrolStatus", source_date(entered_on) AS "EntryDate", nc_year AS "NCyearActual",
    ethnicity AS "Ethnicity", 'ENG' AS "Language", status AS "SENprovision", CASE WHEN status <> 'N' THEN first_need END AS "SENneed1",
    CASE WHEN status <> 'N' THEN second_need END AS "SENneed2", 'False' AS "SENunitIndicator", 'False' AS "ResourcedProvisionIndicator",
    uln AS "UniqueLearnerNumber", postcode AS "Postcode", NULL::VARCHAR AS "SAON", NULL::VARCHAR AS "PAON", NULL::VARCHAR AS "Street",
    NULL::VARCHAR AS "Locality", NULL::VARCHAR AS "Town", NULL::VARCHAR AS "AdministrativeArea", NULL::VARCHAR AS "AddressLine1",
    NULL::VARCHAR AS "AddressLine2", NULL::VARCHAR AS "AddressLine3", NULL::VARCHAR AS "AddressLine4", NULL::VARCHAR AS "AddressLine5",
    printf('%06d', number) AS "NativeID", blade_bool(record % 5 = 0) AS "FSME on Census Day",
    CASE WHEN date_sub('year', birth, getvariable('period_end')) >= 16 THEN '16+'
        ELSE date_sub('year', birth, getvariable('period_end'))::VARCHAR END AS "Age"
FROM own LEFT JOIN needed USING (person)
