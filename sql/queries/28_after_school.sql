-- question: What do young people with a plan do after 16, compared with those without?
-- asks: L12
-- role: analyst
-- caveats:
--   - As the newest month tells it; what was known once and is no longer current counts as not known.
--   - The council follows 16 and 17 year olds all, and older ones as long as they have a plan.
-- columns:
--   age_group: Age on 31 August before the school year
--   has_plan: Whether the council has an EHC plan on record
--   activity: What they do
--   young_people_count: Young people who do it
--   share_pct: young_people_count per 100 of their age group with or without a plan
WITH newest AS (
    SELECT max(last_seen_on) AS told_on FROM core.destination
),

known AS (
    SELECT DISTINCT ON (coalesce(told.person_key::text, told.record_pseudonym))
        told.has_plan,
        CASE WHEN told.is_lapsed THEN 'not_known' ELSE told.activity_group_code END AS activity_group_code,
        extract(YEAR FROM newest.told_on - interval '8 months') - 1 - child.born_school_year AS age
    FROM core.destination AS told
    INNER JOIN newest ON told.last_seen_on = newest.told_on
    LEFT JOIN core.person_profile AS child ON told.person_key = child.person_key
    ORDER BY coalesce(told.person_key::text, told.record_pseudonym), told.first_seen_on DESC, told.destination_ref
)

SELECT
    CASE WHEN known.age <= 17 THEN '16 to 17' WHEN known.age > 17 THEN '18 to 25' ELSE 'Not known' END AS age_group,
    known.has_plan,
    named.activity,
    count(*) AS young_people_count,
    round(100.0 * count(*) / sum(count(*)) OVER (
        PARTITION BY CASE WHEN known.age <= 17 THEN '16 to 17' WHEN known.age > 17 THEN '18 to 25' ELSE 'Not known' END, known.has_plan
    ), 1) AS share_pct
FROM known
INNER JOIN (VALUES
    ('education', 'Education'), ('training', 'Training'), ('employment', 'Employment'), ('re_engagement', 'Re-engagement provision'),
    ('neet_active', 'Not in education, employment or training, available'),
    ('neet_inactive', 'Not in education, employment or training, not available'), ('custody', 'Custody'), ('not_known', 'Not known')
) AS named (activity_group_code, activity) ON known.activity_group_code = named.activity_group_code
GROUP BY age_group, known.has_plan, named.activity
ORDER BY age_group ASC, known.has_plan DESC, young_people_count DESC, named.activity ASC;
