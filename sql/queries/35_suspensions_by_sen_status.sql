-- question: Are pupils with a plan or SEN support suspended or excluded more often than others?
-- asks: L5
-- role: analyst
-- caveats:
--   - All suspensions and exclusions that the censuses in the warehouse tell, each once, whatever their term.
--   - The SEN status is that of the newest census; of pupils who left before it, the last one known.
-- columns:
--   sen_status: SEN status in words
--   pupils_count: Pupils in any of those censuses, each once
--   suspensions_count: Suspensions
--   suspended_count: Pupils suspended at least once
--   suspended_pct: suspended_count per 100 of pupils_count
--   suspensions_per_100: Suspensions for each 100 pupils
--   excluded_count: Pupils excluded permanently
WITH last_known AS (
    SELECT DISTINCT ON (person_key)
        person_key,
        status_code
    FROM core.person_sen_status
    ORDER BY person_key, from_month DESC, status_code
),

roll AS (
    SELECT DISTINCT
        agency_code,
        dataset_code,
        record_pseudonym,
        person_key
    FROM core.enrolment
),

event AS (
    SELECT
        agency_code,
        dataset_code,
        record_pseudonym,
        count(*) FILTER (WHERE category_code IN ('SUSP', 'FIXD')) AS suspensions,
        count(*) FILTER (WHERE category_code = 'PERM') AS exclusions
    FROM core.suspension
    GROUP BY agency_code, dataset_code, record_pseudonym
),

pupil AS (
    SELECT
        min(coalesce(status.status_code, last_known.status_code)) AS status_code,
        coalesce(sum(event.suspensions), 0) AS suspensions,
        coalesce(sum(event.exclusions), 0) AS exclusions
    FROM roll
    LEFT JOIN event
        ON
            roll.agency_code = event.agency_code AND roll.dataset_code = event.dataset_code
            AND roll.record_pseudonym = event.record_pseudonym
    LEFT JOIN core.sen_status AS status
        ON
            roll.agency_code = status.agency_code AND roll.dataset_code = status.dataset_code
            AND roll.record_pseudonym = status.record_pseudonym
    LEFT JOIN last_known ON roll.person_key = last_known.person_key
    GROUP BY coalesce(roll.person_key::text, roll.record_pseudonym)
)

SELECT
    coalesce(named.label, pupil.status_code) AS sen_status,
    count(*) AS pupils_count,
    sum(pupil.suspensions) AS suspensions_count,
    count(*) FILTER (WHERE pupil.suspensions > 0) AS suspended_count,
    round(100.0 * count(*) FILTER (WHERE pupil.suspensions > 0) / count(*), 1) AS suspended_pct,
    round(100.0 * sum(pupil.suspensions) / count(*), 1) AS suspensions_per_100,
    count(*) FILTER (WHERE pupil.exclusions > 0) AS excluded_count
FROM pupil
LEFT JOIN core.code AS named ON named.list_code = 'sen_provision' AND pupil.status_code = named.code
WHERE pupil.status_code IS NOT NULL
GROUP BY pupil.status_code, named.label
ORDER BY pupil.status_code;
