-- Grain: one pupil. Those far below the tests have no scaled score; 100 is the expected standard, 110 the higher one.
WITH scored AS (
    SELECT own.*,
        CASE WHEN reading > -2.2 THEN least(120, greatest(80, round(105 + 6.5 * reading)))::INTEGER END AS read_score,
        CASE WHEN maths > -2.2 THEN least(120, greatest(80, round(105 + 6.5 * maths)))::INTEGER END AS maths_score,
        CASE WHEN writing > -2.2 THEN least(120, greatest(80, round(105 + 6.5 * writing)))::INTEGER END AS spelling_score,
        CASE WHEN writing > 1.4 THEN 'GDS' WHEN writing > -0.75 THEN 'EXS' WHEN writing > -2.2 THEN 'WTS' ELSE 'PKE' END AS written
    FROM own
)
SELECT
    number AS _row, record AS _record, scored.person AS _person, academic_year AS "ACADYR", reference AS "PupilMatchingRef", upn AS "UPN",
    surname AS "SURNAME", forename AS "FORENAMES", source_date(birth) AS "DOB", '6' AS "YEARGRP", sex AS "SEX",
    getvariable('la_code') AS "LA", school_number AS "LAESTAB", urn AS "URN", '1' AS "NATRES",
    CASE WHEN read_score >= 100 THEN 'AS' WHEN read_score < 100 THEN 'NS' ELSE 'B' END AS "READOUTCOME",
    CASE WHEN maths_score >= 100 THEN 'AS' WHEN maths_score < 100 THEN 'NS' ELSE 'B' END AS "MATOUTCOME",
    CASE WHEN spelling_score >= 100 THEN 'AS' WHEN spelling_score < 100 THEN 'NS' ELSE 'B' END AS "GPSOUTCOME",
    written AS "WRITTAOUTCOME", read_score::VARCHAR AS "READSCORE", maths_score::VARCHAR AS "MATSCORE",
    spelling_score::VARCHAR AS "GPSSCORE", one_or_nought(read_score >= 100) AS "READEXP", one_or_nought(maths_score >= 100) AS "MATEXP",
    one_or_nought(spelling_score >= 100) AS "GPSEXP", one_or_nought(written IN ('EXS', 'GDS')) AS "WRITTAEXP",
    one_or_nought(read_score >= 100 AND maths_score >= 100 AND written IN ('EXS', 'GDS')) AS "RWMEXP",
    one_or_nought(read_score >= 110 AND maths_score >= 110 AND written = 'GDS') AS "RWMHIGH", NULL::VARCHAR AS "READPROGSCORE_EM",
    NULL::VARCHAR AS "WRITPROGSCORE_EM", NULL::VARCHAR AS "MATPROGSCORE_EM", '0' AS "CLA_PP_1_DAY", need.need AS "SENTYPE",
    one_or_nought(is_poor) AS "FSM", one_or_nought(is_poor OR record % 19 = 0) AS "FSM6", one_or_nought(record % 23 = 0) AS "NEWMOBILE"
FROM scored
LEFT JOIN (SELECT person, min(need) AS need FROM world.need WHERE rank = 1 GROUP BY person) AS need
    ON need.person = scored.person AND scored.status <> 'N'
