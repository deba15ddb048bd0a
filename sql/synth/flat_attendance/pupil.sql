-- Grain: one pupil at one school: a column per attendance code, blank where there is no session of it.
WITH counted AS (
    PIVOT (SELECT person, code, sessions::VARCHAR AS sessions FROM world.session)
    ON code IN ('/', '\', 'C', 'E', 'G', 'I', 'M', 'N', 'O') USING any_value(sessions) GROUP BY person
)
SELECT
    number AS _row, record AS _record, person AS _person, right(estab, 4) AS "Estab", upn AS "UPN", surname AS "Surname", forename AS "Forename",
    middle AS "Middlenames", NULL::VARCHAR AS "PreferredSurname", former_surname AS "FormerSurname", sex AS "Gender",
    source_date(birth) AS "DoB", enrolled AS "EnrolStatus", source_date(entered_on) AS "EntryDate", nc_year AS "NCyearActual",
    sessions::VARCHAR AS "TermlySessionsPossible", counted."/", counted."\", NULL::VARCHAR AS "B", NULL::VARCHAR AS "J", NULL::VARCHAR AS "L",
    NULL::VARCHAR AS "P", NULL::VARCHAR AS "V", NULL::VARCHAR AS "W", counted."C", counted."E", NULL::VARCHAR AS "H", counted."I",
    counted."M", NULL::VARCHAR AS "R", NULL::VARCHAR AS "S", NULL::VARCHAR AS "T", counted."G", counted."N", counted."O",
    NULL::VARCHAR AS "U", NULL::VARCHAR AS "D", NULL::VARCHAR AS "X", NULL::VARCHAR AS "Y"
FROM own LEFT JOIN counted USING (person)
