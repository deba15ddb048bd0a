-- Grain: one pupil at one school on the census day, as the department gives it back.
WITH needed AS (
    SELECT person, max(need) FILTER (WHERE rank = 1) AS first_need, max(need) FILTER (WHERE rank = 2) AS second_need
    FROM world.need GROUP BY person
)
SELECT
    row_number() OVER (ORDER BY school.school_number, record.record) AS _row, record.record AS _record, record.person AS _person,
    dfe_reference(record.person) AS "PupilMatchingRef", academic_year(year(getvariable('period_end'))) AS "AcademicYear", 'Spring' AS "CensusTerm",
    getvariable('la_code') AS "LA", school.school_number AS "LAEstab", school.urn AS "URN", record.upn AS "UPN",
    record.former_upn AS "FormerUPN", record.surname AS "Surname", record.forename AS "Forename", record.middle AS "MiddleNames",
    NULL::VARCHAR AS "PreferredSurname", record.former_surname AS "FormerSurname", record.sex AS "Sex", source_date(record.birth) AS "DOB",
    truth.ethnicity AS "Ethnicity", one_or_nought(record.record % 4 = 0) AS "FSMeligible", one_or_nought(record.record % 3 = 0) AS "EVERFSM_6",
    CASE WHEN pupil.second_school >= 0 THEN 'M' ELSE 'C' END AS "EnrolStatus", source_date(pupil.entered_on) AS "EntryDate",
    pupil.nc_year AS "NCyearActual", pupil.status AS "SENProvision", needed.first_need AS "PrimarySENeedsType",
    needed.second_need AS "SecondarySENType"
FROM record
JOIN world.pupil AS pupil USING (person)
JOIN world.person AS truth USING (person)
JOIN world.school AS school ON school.school = pupil.school
LEFT JOIN needed USING (person)
