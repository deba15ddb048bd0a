-- question: How much school do pupils with a plan or SEN support miss, compared with others?
-- asks: L5
-- role: analyst
-- columns:
--   status_code: E EHC plan, K SEN support, N none
--   pupils_count: Registrations with attendance
--   absence_pct: Sessions missed per 100 possible
--   persistent_count: Registrations that missed a tenth or more
--   persistent_pct: persistent_count per 100 of pupils_count
SELECT
    status.status_code,
    count(*) AS pupils_count,
    round(100.0 * sum(roll.sessions_missed) / nullif(sum(roll.sessions_possible), 0), 1) AS absence_pct,
    count(*) FILTER (WHERE roll.sessions_missed >= 0.1 * roll.sessions_possible) AS persistent_count,
    round(100.0 * count(*) FILTER (WHERE roll.sessions_missed >= 0.1 * roll.sessions_possible) / count(*), 1)
        AS persistent_pct
FROM core.enrolment AS roll
INNER JOIN core.sen_status AS status
    ON
        roll.agency_code = status.agency_code AND roll.dataset_code = status.dataset_code
        AND roll.record_pseudonym = status.record_pseudonym
WHERE roll.sessions_possible > 0
GROUP BY status.status_code
ORDER BY status.status_code;
