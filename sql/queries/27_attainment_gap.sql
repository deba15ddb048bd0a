-- question: How far are pupils with a plan or SEN support behind the others?
-- asks: L5
-- role: analyst
-- caveats:
--   - Means over the pupils whose result the extract carries; of a standard, 0 or 1, the share of pupils who reached it.
--   - Where the result names no SEN status it is that of June of its year; else the first one known after, else the last before.
-- columns:
--   stage_code: Stage of the assessment
--   year: Year of the results
--   measure_code: What was measured
--   pupils_count: Pupils with a result
--   with_plan_count: Those of them with an EHC plan
--   sen_support_count: Those on SEN support
--   mean_with_plan: Mean of pupils with an EHC plan
--   mean_sen_support: Mean of pupils on SEN support
--   mean_no_sen: Mean of pupils without special needs
--   gap_with_plan: mean_with_plan less mean_no_sen
--   gap_sen_support: mean_sen_support less mean_no_sen
WITH spell AS (
    SELECT
        person_key,
        status_code,
        from_month,
        from_month + 7 * lasted_weeks AS to_day
    FROM core.person_sen_status
),

taken AS (
    SELECT DISTINCT
        person_key,
        year,
        make_date(year, 6, 1) AS june
    FROM core.attainment
    WHERE sen_status_code IS NULL AND person_key IS NOT NULL
),

status AS (
    SELECT DISTINCT ON (taken.person_key, taken.year)
        taken.person_key,
        taken.year,
        spell.status_code
    FROM taken
    INNER JOIN spell ON taken.person_key = spell.person_key
    ORDER BY
        taken.person_key, taken.year,
        CASE WHEN spell.to_day <= taken.june THEN 2 WHEN spell.from_month > taken.june THEN 1 ELSE 0 END,
        CASE WHEN spell.to_day <= taken.june THEN taken.june - spell.to_day ELSE spell.from_month - taken.june END
),

result AS (
    SELECT
        attained.stage_code,
        attained.year,
        attained.measure_code,
        attained.value,
        coalesce(attained.sen_status_code, status.status_code) AS status_code
    FROM core.attainment AS attained
    LEFT JOIN status ON attained.person_key = status.person_key AND attained.year = status.year
    WHERE attained.value IS NOT NULL
),

measured AS (
    SELECT
        stage_code,
        year,
        measure_code,
        count(*) AS pupils_count,
        count(*) FILTER (WHERE status_code = 'E') AS with_plan_count,
        count(*) FILTER (WHERE status_code = 'K') AS sen_support_count,
        avg(value) FILTER (WHERE status_code = 'E') AS with_plan,
        avg(value) FILTER (WHERE status_code = 'K') AS sen_support,
        avg(value) FILTER (WHERE status_code = 'N') AS no_sen
    FROM result
    GROUP BY stage_code, year, measure_code
)

SELECT
    stage_code,
    year,
    measure_code,
    pupils_count,
    with_plan_count,
    sen_support_count,
    round(with_plan::numeric, 2) AS mean_with_plan,
    round(sen_support::numeric, 2) AS mean_sen_support,
    round(no_sen::numeric, 2) AS mean_no_sen,
    round((with_plan - no_sen)::numeric, 2) AS gap_with_plan,
    round((sen_support - no_sen)::numeric, 2) AS gap_sen_support
FROM measured
ORDER BY stage_code, measure_code, year;
