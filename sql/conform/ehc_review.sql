-- Grain: one annual review of a plan.
-- Key: agency_code, dataset_code, plan_ref, review_date. Owner: SEND data team.
-- Each return tells the last review of each plan in force, by the day that stands in core.ehc_plan. One that a later return
-- denies, by telling an earlier day as the last, was taken back.
WITH told AS (
    SELECT *, min(last_review_date) OVER (
        PARTITION BY agency_code, dataset_code, plan_ref ORDER BY number ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS last_told_later
    FROM ehc_plan_return WHERE last_review_date IS NOT NULL
)
SELECT
    agency_code, dataset_code, any_value(record_pseudonym) AS record_pseudonym, max(submission_key) AS submission_key, plan_ref,
    last_review_date AS review_date, min(observed_on) AS first_seen_on
FROM told
WHERE last_told_later IS NULL OR last_told_later >= last_review_date
GROUP BY agency_code, dataset_code, plan_ref, last_review_date
