-- Grain: one pupil. The standard is 32 of 40 marks.
WITH marked AS (
    SELECT own.*, least(40, greatest(0, round(37.5 + 5.5 * reading)))::INTEGER AS mark, record % 97 = 0 AS is_absent FROM own
)
SELECT
    number AS _row, record AS _record, person AS _person, academic_year AS "Phonics_ACADYR", reference AS "Phonics_PUPILMATCHINGREF",
    upn AS "Phonics_UPN", surname AS "Phonics_SURNAME", forename AS "Phonics_FORENAMES", sex AS "Phonics_SEX",
    source_date(birth) AS "Phonics_DOB", getvariable('la_code') AS "Phonics_LA", urn AS "Phonics_URN", '1' AS "Phonics_NCYEARACTUAL",
    CASE WHEN NOT is_absent THEN mark::VARCHAR END AS "Phonics_PHONICS_MARK",
    CASE WHEN is_absent THEN 'A' WHEN mark >= 32 THEN 'Wa' ELSE 'Wt' END AS "Phonics_PHONICS_OUTCOME"
FROM marked
