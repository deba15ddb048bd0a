-- question: How much school do pupils with a plan or SEN support miss, compared with others?
-- asks: L5
-- role: analyst
-- caveats:
--   - The SEN status is that of the newest census; of pupils who left before it, the last one known.
--   - A term counts where the census tells the codes of attendance; sessions possible alone say nothing of those missed.
-- columns:
--   sen_status: SEN status in words
--   pupils_count: Pupils with attendance in any term of the warehouse's censuses, each once
--   absence_pct: Sessions missed per 100 possible, all those terms together
--   persistent_count: Pupils who missed a tenth or more of theirs
--   persistent_pct: persistent_count per 100 of pupils_count
--   severe_count: Those of them who missed half or more
--   severe_pct: severe_count per 100 of pupils_count
WITH last_known AS (
    SELECT DISTINCT ON (person_key)
        person_key,
        status_code
    FROM core.person_sen_status
    ORDER BY person_key, from_month DESC, status_code
),

pupil AS (
    SELECT
        min(coalesce(status.status_code, last_known.status_code)) AS status_code,
        sum(roll.sessions_possible) AS possible,
        sum(roll.sessions_missed) AS missed
    FROM core.enrolment AS roll
    LEFT JOIN core.sen_status AS status
        ON
            roll.agency_code = status.agency_code AND roll.dataset_code = status.dataset_code
            AND roll.record_pseudonym = status.record_pseudonym
    LEFT JOIN last_known ON roll.person_key = last_known.person_key
    WHERE roll.sessions_possible > 0 AND roll.sessions_missed IS NOT NULL AND roll.enrol_status_code IS DISTINCT FROM 'S'
    GROUP BY coalesce(roll.person_key::text, roll.record_pseudonym)
)

SELECT
    coalesce(named.label, pupil.status_code) AS sen_status,
    count(*) AS pupils_count,
    round(100.0 * sum(pupil.missed) / sum(pupil.possible), 1) AS absence_pct,
    count(*) FILTER (WHERE pupil.missed >= 0.1 * pupil.possible) AS persistent_count,
    round(100.0 * count(*) FILTER (WHERE pupil.missed >= 0.1 * pupil.possible) / count(*), 1) AS persistent_pct,
    count(*) FILTER (WHERE pupil.missed >= 0.5 * pupil.possible) AS severe_count,
    round(100.0 * count(*) FILTER (WHERE pupil.missed >= 0.5 * pupil.possible) / count(*), 1) AS severe_pct
FROM pupil
LEFT JOIN core.code AS named ON named.list_code = 'sen_provision' AND pupil.status_code = named.code
WHERE pupil.status_code IS NOT NULL
GROUP BY pupil.status_code, named.label
ORDER BY pupil.status_code;
