-- Grain: one pupil. Progress 8 is the distance from what pupils of the same key stage 2 band reach.
WITH scored AS (
    SELECT own.*, least(90, greatest(0, round(50 + 17 * (reading + writing + maths) / 3, 1))) AS points,
        CASE WHEN reading + maths > 1.2 THEN 3 WHEN reading + maths > -1.2 THEN 2 ELSE 1 END AS band
    FROM own
)
SELECT
    number AS _row, record AS _record, person AS _person, academic_year AS "KS4_ACADYR", reference AS "KS4_PUPILMATCHINGREF",
    upn AS "KS4_UPN", surname AS "KS4_SURNAME", forename AS "KS4_FORENAMES", source_date(birth) AS "KS4_DOB", '11' AS "KS4_ACTYRGRP",
    sex AS "KS4_SEX", getvariable('la_code') AS "KS4_LA", school_number AS "KS4_LAESTAB", urn AS "KS4_URN", '1' AS "KS4_ENDKS",
    '1' AS "KS4_NATRES", least(10, floor(points / 6.5))::INTEGER::VARCHAR AS "KS4_PASS_94", one_or_nought(points > 62) AS "KS4_EBACC_94",
    round(points / 11, 2)::VARCHAR AS "KS4_EBACCAPS_PUPIL", one_or_nought(reading > -0.4 AND maths > -0.45) AS "KS4_L2BASICS_94",
    one_or_nought(reading > 0.15 AND maths > 0.1) AS "KS4_L2BASICS_95", band::VARCHAR AS "KS4_PRIORBAND_PTQ_EE",
    one_or_nought(is_poor) AS "KS4_FSM", one_or_nought(is_poor OR record % 19 = 0) AS "KS4_FSM6", one_or_nought(status = 'K') AS "KS4_SENK",
    one_or_nought(status = 'E') AS "KS4_SENE", one_or_nought(record % 23 = 0) AS "KS4_NEWMOBILE", points::VARCHAR AS "KS4_ATT8",
    round((points - (18 + 16 * band)) / 10, 2)::VARCHAR AS "KS4_P8SCORE"
FROM scored
