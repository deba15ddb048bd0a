-- question: What do young people with a plan do after 16, compared with those without?
-- asks: L12
-- role: analyst
-- columns:
--   has_plan: Whether the council has an EHC plan on record
--   activity_group_code: Group of activities
--   young_people_count: Young people in one of them, as last known
--   share_pct: young_people_count per 100 young people with or without a plan
WITH known AS (
    SELECT DISTINCT
        has_plan,
        activity_group_code,
        coalesce(person_key::text, record_pseudonym) AS young_person
    FROM core.destination
    WHERE NOT is_lapsed
)

SELECT
    has_plan,
    activity_group_code,
    count(*) AS young_people_count,
    round(100.0 * count(*) / sum(count(*)) OVER (PARTITION BY has_plan), 1) AS share_pct
FROM known
GROUP BY has_plan, activity_group_code
ORDER BY has_plan DESC, young_people_count DESC;
