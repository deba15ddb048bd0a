-- question: Are pupils with a plan or SEN support suspended or excluded more often than others?
-- asks: L5
-- role: analyst
-- caveats:
--   - All suspensions and exclusions that the censuses in the warehouse tell, each once, whatever their term.
--   - The SEN status is that of the last census that shows the pupil.
-- columns:
--   sen_status: SEN status in words
--   pupils_count: Pupils in any of those censuses, each once
--   suspensions_count: Suspensions
--   suspended_count: Pupils suspended at least once
--   suspended_pct: suspended_count per 100 of pupils_count
--   suspensions_per_100: Suspensions for each 100 pupils
--   excluded_count: Pupils excluded permanently
WITH last_status AS (
    SELECT DISTINCT ON (agency_code, dataset_code, record_pseudonym)
        agency_code,
        dataset_code,
        record_pseudonym,
        coalesce(person_key::text, record_pseudonym) AS pupil,
        status_code
    FROM core.sen_status_spell
    WHERE NOT is_dated
    ORDER BY agency_code, dataset_code, record_pseudonym, last_seen_on DESC, status_code
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
        min(last_status.status_code) AS status_code,
        coalesce(sum(event.suspensions), 0) AS suspensions,
        coalesce(sum(event.exclusions), 0) AS exclusions
    FROM last_status
    LEFT JOIN event
        ON
            last_status.agency_code = event.agency_code AND last_status.dataset_code = event.dataset_code
            AND last_status.record_pseudonym = event.record_pseudonym
    GROUP BY last_status.pupil
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
GROUP BY pupil.status_code, named.label
ORDER BY pupil.status_code;
