-- question: How far are pupils with a plan or SEN support behind the others?
-- asks: L5
-- role: analyst
-- caveats: [Means over the pupils whose result the extract carries., Where the result names no SEN status it is the last one known of the child.]
-- columns:
--   stage_code: Stage of the assessment
--   year: Year of the results
--   measure_code: What was measured
--   pupils_count: Pupils with a result
--   mean_with_plan: Mean of pupils with an EHC plan
--   mean_sen_support: Mean of pupils on SEN support
--   mean_no_sen: Mean of pupils without special needs
WITH last_status AS (
    SELECT DISTINCT ON (person_key)
        person_key,
        status_code
    FROM core.sen_status
    WHERE person_key IS NOT NULL
    ORDER BY person_key, observed_on DESC, status_code
),

result AS (
    SELECT
        attained.stage_code,
        attained.year,
        attained.measure_code,
        attained.value,
        coalesce(attained.sen_status_code, last_status.status_code) AS status_code
    FROM core.attainment AS attained
    LEFT JOIN last_status ON attained.person_key = last_status.person_key
    WHERE attained.value IS NOT NULL
)

SELECT
    stage_code,
    year,
    measure_code,
    count(*) AS pupils_count,
    round(avg(value) FILTER (WHERE status_code = 'E')::numeric, 2) AS mean_with_plan,
    round(avg(value) FILTER (WHERE status_code = 'K')::numeric, 2) AS mean_sen_support,
    round(avg(value) FILTER (WHERE status_code = 'N')::numeric, 2) AS mean_no_sen
FROM result
GROUP BY stage_code, year, measure_code
ORDER BY stage_code, measure_code, year;
