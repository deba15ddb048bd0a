-- question: How much school do pupils with a plan or SEN support miss, compared with others?
-- asks: L5
-- role: analyst
-- caveats: [The SEN status is that of the last census that shows the pupil.]
-- columns:
--   status_code: E EHC plan, K SEN support, N none
--   pupils_count: Pupils with attendance in any term of the warehouse's censuses, each once
--   absence_pct: Sessions missed per 100 possible, all those terms together
--   persistent_count: Pupils who missed a tenth or more of theirs
--   persistent_pct: persistent_count per 100 of pupils_count
WITH pupil AS (
    SELECT
        min(status.status_code) AS status_code,
        sum(roll.sessions_possible) AS possible,
        sum(roll.sessions_missed) AS missed
    FROM core.enrolment AS roll
    INNER JOIN core.sen_status AS status
        ON
            roll.agency_code = status.agency_code AND roll.dataset_code = status.dataset_code
            AND roll.record_pseudonym = status.record_pseudonym
    WHERE roll.sessions_possible > 0
    GROUP BY coalesce(roll.person_key::text, roll.record_pseudonym)
)

SELECT
    status_code,
    count(*) AS pupils_count,
    round(100.0 * sum(missed) / nullif(sum(possible), 0), 1) AS absence_pct,
    count(*) FILTER (WHERE missed >= 0.1 * possible) AS persistent_count,
    round(100.0 * count(*) FILTER (WHERE missed >= 0.1 * possible) / count(*), 1) AS persistent_pct
FROM pupil
GROUP BY status_code
ORDER BY status_code;
