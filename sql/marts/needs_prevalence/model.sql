-- mart.needs_prevalence
-- Grain: base x measure x area x breakdown. Key: see mart.yaml. Owner: SEND data team.
WITH seen AS MATERIALIZED (
    SELECT
        least(:as_of, max(data_as_at) FILTER (WHERE table_name = 'ehc_plan')) AS plans_as_at,
        least(:as_of, max(data_as_at) FILTER (WHERE table_name = 'enrolment')) AS pupils_as_at
    FROM core.spoken_of WHERE table_name IN ('ehc_plan', 'enrolment')
),
on_roll AS (
    SELECT agency_code, dataset_code, record_pseudonym, person_key, enrol_status_code FROM core.enrolment WHERE is_current
),
pupil AS (
    SELECT on_roll.person_key, min(status.status_code) AS status_code
    FROM on_roll
    LEFT JOIN core.sen_status AS status USING (agency_code, dataset_code, record_pseudonym)
    WHERE on_roll.enrol_status_code IS DISTINCT FROM 'S' AND on_roll.person_key IS NOT NULL
    GROUP BY on_roll.person_key
),
pupil_need AS (
    SELECT DISTINCT ON (need.person_key) need.person_key, need.need_code
    FROM core.sen_need AS need JOIN on_roll USING (agency_code, dataset_code, record_pseudonym)
    ORDER BY need.person_key, need.need_rank, need.need_code
),
counted AS (
    SELECT 'residents_0_25' AS base, 'ehc_plan' AS measure, person_key, need_code, seen.plans_as_at AS data_as_at
    FROM (
        SELECT DISTINCT ON (person_key) person_key, primary_need_code AS need_code FROM core.ehc_plan
        WHERE is_active AND person_key IS NOT NULL ORDER BY person_key, start_date DESC NULLS LAST, plan_ref
    ) AS in_force, seen
    UNION ALL
    SELECT 'residents_0_25', 'new_plans_12m', person_key, need_code, seen.plans_as_at
    FROM seen, LATERAL (
        SELECT DISTINCT ON (person_key) person_key, primary_need_code AS need_code FROM core.ehc_plan
        WHERE start_date > seen.plans_as_at - interval '12 months' AND start_date <= seen.plans_as_at AND person_key IS NOT NULL
        ORDER BY person_key, start_date DESC, plan_ref
    ) AS started
    UNION ALL
    SELECT 'pupils_on_roll', CASE pupil.status_code WHEN 'E' THEN 'ehc_plan' ELSE 'sen_support' END, pupil.person_key,
        pupil_need.need_code, seen.pupils_as_at
    FROM seen, pupil LEFT JOIN pupil_need USING (person_key)
    WHERE pupil.status_code IN ('E', 'K')
),
-- Found once, and not again for each resident.
estimate AS MATERIALIZED (
    SELECT coalesce(max(resident.year) FILTER (WHERE resident.year <= extract(year FROM seen.plans_as_at)), min(resident.year)) AS year
    FROM core.population AS resident, seen
),
population AS (
    SELECT resident.lsoa21_code, resident.age, resident.sex_code, resident.persons
    FROM core.population AS resident JOIN estimate USING (year)
    WHERE resident.age BETWEEN 0 AND 25
),
-- Persons counted, or residents, by where they live and what they are: those alike in all of it are one row.
numerator AS (
    SELECT
        profile.world, counted.base, counted.measure, count(*) AS persons, coalesce(counted.need_code, 'Not known') AS need,
        core.age_band(core.age_on_31_august(profile.birth_month, counted.data_as_at)) AS age_band, profile.sex,
        profile.ethnicity_group, profile.deprivation_fifth, profile.health_place_code, profile.ward_code
    FROM counted JOIN core.person_profile AS profile USING (person_key)
    GROUP BY 1, 2, 3, 5, 6, 7, 8, 9, 10, 11
),
denominator AS (
    SELECT 'residents_0_25' AS base, sum(population.persons) AS persons, core.age_band(population.age) AS age_band,
        core.sex_label(population.sex_code) AS sex, NULL AS ethnicity_group,
        core.deprivation_fifth(geography.imd_decile) AS deprivation_fifth, geography.health_place_code, geography.ward_code
    FROM population JOIN core.geography AS geography USING (lsoa21_code)
    GROUP BY 3, 4, 6, 7, 8
    UNION ALL
    SELECT 'pupils_on_roll', count(*), core.age_band(core.age_on_31_august(profile.birth_month, seen.pupils_as_at)), profile.sex,
        profile.ethnicity_group, profile.deprivation_fifth, profile.health_place_code, profile.ward_code
    FROM seen, pupil JOIN core.person_profile AS profile USING (person_key)
    GROUP BY 3, 4, 5, 6, 7, 8
),
numerators AS (
    SELECT
        world, base, measure,
        CASE grouping(health_place_code, ward_code) WHEN 3 THEN 'area' WHEN 1 THEN 'health_place' ELSE 'ward' END AS geographic_level,
        CASE grouping(health_place_code, ward_code) WHEN 3 THEN 'ALL' WHEN 1 THEN health_place_code ELSE ward_code END AS area_code,
        CASE grouping(need, age_band, sex, ethnicity_group, deprivation_fifth)
            WHEN 31 THEN 'Total' WHEN 15 THEN 'Need' WHEN 23 THEN 'Age band' WHEN 27 THEN 'Sex' WHEN 29 THEN 'Ethnicity group'
            WHEN 30 THEN 'Deprivation fifth'
        END AS breakdown_topic,
        CASE grouping(need, age_band, sex, ethnicity_group, deprivation_fifth)
            WHEN 31 THEN 'Total' ELSE coalesce(need, age_band, sex, ethnicity_group, deprivation_fifth)
        END AS breakdown,
        sum(persons)::integer AS children_count
    FROM numerator
    GROUP BY
        world, base, measure, GROUPING SETS ((), (health_place_code), (ward_code)),
        GROUPING SETS ((), (need), (age_band), (sex), (ethnicity_group), (deprivation_fifth))
    HAVING CASE grouping(health_place_code, ward_code) WHEN 3 THEN 'ALL' WHEN 1 THEN health_place_code ELSE ward_code END IS NOT NULL
),
denominators AS (
    SELECT base, geographic_level, area_code, breakdown_topic, breakdown, sum(persons)::integer AS denominator_count
    FROM denominator
    CROSS JOIN LATERAL (VALUES ('area', 'ALL'), ('health_place', health_place_code), ('ward', ward_code))
        AS place (geographic_level, area_code)
    CROSS JOIN LATERAL (VALUES
        ('Total', 'Total'), ('Age band', age_band), ('Sex', sex), ('Ethnicity group', ethnicity_group),
        ('Deprivation fifth', deprivation_fifth)
    ) AS split (breakdown_topic, breakdown)
    WHERE area_code IS NOT NULL AND breakdown IS NOT NULL
    GROUP BY base, geographic_level, area_code, breakdown_topic, breakdown
),
area AS (
    SELECT 'area' AS geographic_level, 'ALL' AS area_code, 'Local area' AS area_name
    UNION ALL
    SELECT 'health_place', health_place_code, max(health_place_name) FROM core.geography GROUP BY health_place_code
    UNION ALL
    SELECT 'ward', ward_code, max(ward_name) FROM core.geography GROUP BY ward_code
),
asked AS (
    SELECT * FROM (VALUES
        ('residents_0_25', 'ehc_plan'), ('residents_0_25', 'new_plans_12m'), ('pupils_on_roll', 'ehc_plan'),
        ('pupils_on_roll', 'sen_support')
    ) AS pair (base, measure)
),
-- Every area shows every value that occurs anywhere: a nought is a finding, a missing row is not.
cell AS (
    SELECT asked.base, asked.measure, area.*, split.breakdown_topic, split.breakdown
    FROM asked CROSS JOIN area
    JOIN (
        SELECT base, breakdown_topic, breakdown FROM numerators UNION SELECT base, breakdown_topic, breakdown FROM denominators
    ) AS split ON split.base = asked.base
)
SELECT
    :as_of AS time_period, cell.geographic_level, cell.area_code, cell.area_name, cell.base, cell.breakdown_topic, cell.breakdown,
    cell.measure, coalesce(numerators.children_count, 0) AS children_count, denominators.denominator_count,
    round(100.0 * coalesce(numerators.children_count, 0) / nullif(denominators.denominator_count, 0), 2) AS rate_pct,
    CASE cell.base WHEN 'residents_0_25' THEN seen.plans_as_at ELSE seen.pupils_as_at END AS data_as_at
FROM seen CROSS JOIN cell
LEFT JOIN numerators USING (base, measure, geographic_level, area_code, breakdown_topic, breakdown)
LEFT JOIN denominators
    ON denominators.base = cell.base AND denominators.geographic_level = cell.geographic_level
    AND denominators.area_code = cell.area_code AND cell.breakdown <> 'Not known'
    AND (denominators.breakdown_topic, denominators.breakdown) IN (
        (cell.breakdown_topic, cell.breakdown), (CASE cell.breakdown_topic WHEN 'Need' THEN 'Total' END, 'Total')
    )
WHERE CASE cell.base WHEN 'residents_0_25' THEN seen.plans_as_at ELSE seen.pupils_as_at END IS NOT NULL
