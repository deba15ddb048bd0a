-- mart.multi_agency_overlap
-- Grain: area x combination of up to three sets. Key: see mart.yaml. Owner: joint commissioning.
WITH named AS (
    SELECT bit, set_code FROM (VALUES
        (1, 'ehc_plan'), (2, 'sen_support'), (4, 'cin'), (8, 'cp_plan'), (16, 'slt'), (32, 'ot'), (64, 'physio'),
        (128, 'community_paediatrics'), (256, 'early_help'), (512, 'looked_after')
    ) AS list (bit, set_code)
),
-- Community team types (CSDS v1.6): 33 speech and language, 23 occupational therapy, 26 physiotherapy, 06 paediatrics.
team AS (SELECT * FROM (VALUES ('33', 16), ('23', 32), ('26', 64), ('06', 128)) AS list (team_type_code, bit)),
-- Worked out once: it is joined to every row below.
seen AS MATERIALIZED (
    SELECT least(:as_of, min(data_as_at)) AS data_as_at FROM core.spoken_of
    WHERE is_about_people AND table_name IN (
        'enrolment', 'ehc_plan', 'cin_episode', 'referral', 'early_help_episode', 'looked_after_episode'
    )
),
plan AS (SELECT DISTINCT person_key FROM core.ehc_plan WHERE is_active AND person_key IS NOT NULL),
member AS (
    SELECT person_key, 1 AS bit FROM plan
    UNION
    SELECT person_key, 2 FROM core.sen_status WHERE status_code = 'K' AND person_key NOT IN (SELECT person_key FROM plan)
    UNION
    SELECT episode.person_key, 4 FROM core.cin_episode AS episode JOIN core.source AS source USING (agency_code, dataset_code)
    WHERE episode.is_no_further_action IS NOT TRUE AND episode.referral_date <= least(:as_of, source.data_as_at)
        AND (episode.closure_date IS NULL OR episode.closure_date > least(:as_of, source.data_as_at))
    UNION
    SELECT plan.person_key, 8 FROM core.cp_plan AS plan JOIN core.source AS source USING (agency_code, dataset_code)
    WHERE plan.start_date <= least(:as_of, source.data_as_at)
        AND (plan.end_date IS NULL OR plan.end_date > least(:as_of, source.data_as_at))
    UNION
    SELECT help.person_key, 256 FROM core.early_help_episode AS help JOIN core.source AS source USING (agency_code, dataset_code)
    WHERE help.start_date <= least(:as_of, source.data_as_at)
        AND (help.end_date IS NULL OR help.end_date > least(:as_of, source.data_as_at))
    UNION
    SELECT spell.person_key, 512 FROM core.looked_after_episode AS spell JOIN core.source AS source USING (agency_code, dataset_code)
    WHERE NOT spell.is_short_break AND spell.start_date <= least(:as_of, source.data_as_at)
        AND (spell.end_date IS NULL OR spell.end_date > least(:as_of, source.data_as_at))
    UNION
    SELECT referral.person_key, team.bit FROM core.referral AS referral JOIN team USING (team_type_code)
    WHERE referral.rejected_date IS NULL AND referral.received_date <= least(:as_of, referral.observed_to)
        AND (referral.closed_date IS NULL OR referral.closed_date > least(:as_of, referral.observed_to))
),
mask AS (SELECT person_key, sum(bit)::integer AS mask FROM member WHERE person_key IS NOT NULL GROUP BY person_key),
pupil AS (
    SELECT DISTINCT profile.world, profile.person_key, core.age_band(core.age_on_31_august(profile.birth_month, enrolment.census_date)) AS age_band,
        profile.health_place_code
    FROM core.enrolment AS enrolment JOIN core.person_profile AS profile USING (person_key)
    WHERE enrolment.is_current AND enrolment.enrol_status_code IS DISTINCT FROM 'S' AND profile.is_resident
        AND core.age_on_31_august(profile.birth_month, enrolment.census_date) BETWEEN 5 AND 15
),
group_of AS (
    SELECT pupil.world, place.geographic_level, place.area_code, pupil.age_band, coalesce(mask.mask, 0) AS mask, count(*) AS children
    FROM pupil LEFT JOIN mask USING (person_key)
    CROSS JOIN LATERAL (VALUES ('area', 'ALL'), ('health_place', health_place_code)) AS place (geographic_level, area_code)
    GROUP BY pupil.world, place.geographic_level, place.area_code, pupil.age_band, coalesce(mask.mask, 0)
),
combination AS (
    SELECT number AS mask, count(*)::integer AS set_size, string_agg(named.set_code, '+' ORDER BY named.bit) AS sets
    FROM generate_series(1, 1023) AS number JOIN named ON number & named.bit > 0
    GROUP BY number HAVING count(*) <= 3
),
base AS (
    SELECT geographic_level, area_code, age_band, sum(children) AS children FROM group_of
    GROUP BY geographic_level, area_code, age_band
),
single AS (
    SELECT group_of.geographic_level, group_of.area_code, group_of.age_band, named.bit, sum(group_of.children) AS children
    FROM group_of JOIN named ON group_of.mask & named.bit > 0
    GROUP BY group_of.geographic_level, group_of.area_code, group_of.age_band, named.bit
),
-- Within an age band the chance of being in all sets is the product of the chances; a set without a child makes it nought.
expected_in_band AS (
    SELECT combination.mask, base.geographic_level, base.area_code, base.children
        * CASE WHEN bool_or(single.children IS NULL) THEN 0 ELSE exp(sum(ln(single.children / base.children))) END AS expected
    FROM combination CROSS JOIN base
    JOIN named ON combination.mask & named.bit > 0
    LEFT JOIN single USING (geographic_level, area_code, age_band, bit)
    GROUP BY combination.mask, base.geographic_level, base.area_code, base.age_band, base.children
),
expected AS (
    SELECT mask, geographic_level, area_code, sum(expected) AS expected FROM expected_in_band
    GROUP BY mask, geographic_level, area_code
),
found AS (
    SELECT group_of.world, combination.sets, group_of.geographic_level, group_of.area_code,
        sum(group_of.children)::integer AS children_count
    FROM combination JOIN group_of ON group_of.mask & combination.mask = combination.mask
    GROUP BY group_of.world, combination.sets, group_of.geographic_level, group_of.area_code
),
place AS (
    SELECT geographic_level, area_code, sum(children) AS children FROM base GROUP BY geographic_level, area_code
)
SELECT
    :as_of AS time_period, place.geographic_level, place.area_code, 'resident_pupils_5_15' AS base, combination.sets,
    combination.set_size, coalesce(found.children_count, 0) AS children_count, place.children::integer AS base_count,
    round(100 * coalesce(found.children_count, 0) / place.children, 3) AS share_pct,
    CASE WHEN combination.set_size > 1 THEN round(expected.expected::numeric, 2) END AS expected_children,
    CASE WHEN combination.set_size > 1 AND expected.expected >= 1
        THEN round((coalesce(found.children_count, 0) / expected.expected)::numeric, 2) END AS lift,
    seen.data_as_at
FROM seen CROSS JOIN place CROSS JOIN combination
JOIN expected USING (mask, geographic_level, area_code)
LEFT JOIN found USING (sets, geographic_level, area_code)
