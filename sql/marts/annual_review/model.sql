-- mart.annual_review
-- Grain: age band. Key: time_period, breakdown_topic, breakdown. Owner: SEND data team.
-- A plan is reviewed within 12 months of its start and of each review (Children and Families Act 2014, section 44).
WITH seen AS (
    SELECT least(:as_of, max(data_as_at)) AS data_as_at FROM core.spoken_of WHERE table_name = 'ehc_plan'
),
plan AS (
    SELECT DISTINCT ON (coalesce(person_key::text, record_pseudonym)) person_key, start_date, last_review_date
    FROM core.ehc_plan WHERE is_active
    ORDER BY coalesce(person_key::text, record_pseudonym), last_review_date DESC NULLS LAST, start_date, plan_ref
),
judged AS (
    SELECT
        seen.data_as_at, core.age_band(core.age_on_31_august(profile.birth_month, seen.data_as_at)) AS age_band,
        coalesce(plan.start_date <= seen.data_as_at - interval '12 months', TRUE) AS is_due,
        coalesce(plan.last_review_date > seen.data_as_at - interval '12 months', FALSE) AS is_reviewed,
        plan.last_review_date IS NULL AS is_never_reviewed
    FROM seen CROSS JOIN plan LEFT JOIN core.person_profile AS profile USING (person_key)
)
SELECT
    :as_of AS time_period, split.breakdown_topic, split.breakdown, count(*) AS plans_count,
    count(*) FILTER (WHERE is_due) AS due_count, count(*) FILTER (WHERE is_due AND is_reviewed) AS reviewed_count,
    count(*) FILTER (WHERE is_due AND NOT is_reviewed) AS overdue_count,
    count(*) FILTER (WHERE is_due AND is_never_reviewed) AS never_reviewed_count,
    round(100.0 * count(*) FILTER (WHERE is_due AND NOT is_reviewed) / nullif(count(*) FILTER (WHERE is_due), 0), 1) AS overdue_pct,
    max(judged.data_as_at) AS data_as_at
FROM judged
CROSS JOIN LATERAL (VALUES ('Total', 'Total'), ('Age band', judged.age_band)) AS split (breakdown_topic, breakdown)
GROUP BY split.breakdown_topic, split.breakdown
