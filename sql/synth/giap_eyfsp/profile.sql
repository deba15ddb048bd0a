-- Grain: one pupil. A goal of language is harder to reach than one of movement; a good level of development needs the
-- goals of the prime areas, literacy and mathematics.
WITH goal AS (
    SELECT own.*,
        goal_reached(reading + 0.9) AS e01, goal_reached(reading + 0.95) AS e02, goal_reached(writing + 0.95) AS e03,
        goal_reached(writing + 1.0) AS e04, goal_reached(maths + 1.1) AS e05, goal_reached(maths + 1.3) AS e06,
        goal_reached(writing + 0.9) AS e07, goal_reached(reading + 0.9) AS e08, goal_reached(reading + 0.8) AS e09,
        goal_reached(writing + 0.75) AS e10, goal_reached(maths + 0.9) AS e11, goal_reached(maths + 0.85) AS e12
    FROM own
)
SELECT
    number AS _row, record AS _record, person AS _person, academic_year AS "FSP_ACADYR", reference AS "FSP_PupilMatchingRef",
    upn AS "FSP_UPN", surname AS "FSP_SURNAME", forename AS "FSP_FORENAME", source_date(birth) AS "FSP_DOB", sex AS "FSP_SEX",
    getvariable('la_code') AS "FSP_LA", school_number AS "FSP_LAESTAB", urn AS "FSP_URN",
    e01 AS "FSP_COM_E01", e02 AS "FSP_COM_E02", e03 AS "FSP_PSE_E03", e04 AS "FSP_PSE_E04", e05 AS "FSP_PSE_E05",
    e06 AS "FSP_PHY_E06", e07 AS "FSP_PHY_E07", e08 AS "FSP_LIT_E08", e09 AS "FSP_LIT_E09", e10 AS "FSP_LIT_E10",
    e11 AS "FSP_MAT_E11", e12 AS "FSP_MAT_E12", e11 AS "FSP_UTW_E13", e08 AS "FSP_UTW_E14", e09 AS "FSP_UTW_E15",
    e07 AS "FSP_EXP_E16", e07 AS "FSP_EXP_E17",
    (NOT list_contains([e01, e02, e03, e04, e05, e06, e07, e08, e09, e10, e11, e12], '1'))::INTEGER::VARCHAR AS "FSP_GLD"
FROM goal
