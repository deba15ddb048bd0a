-- Lookup: each return that has a plan in force, of the plans that stand: its place among those of the plan, and the plan's days.
-- Key: submission_key, request_ref. Owner: SEND data team.
SELECT
    told.agency_code, told.dataset_code, told.record_pseudonym, told.submission_key, told.request_ref, told.plan_ref,
    told.startdate, told.last_review_date, told.observed_on, first_value(told.observed_on) OVER days AS first_day,
    row_number() OVER days AS number, lead(told.observed_on) OVER days AS next_day,
    least(coalesce(stands.startdate, stands.first_seen_on), stands.observed_on) AS began_on,
    CASE WHEN NOT stands.is_active THEN coalesce(stands.ceasedate, stands.last_in_force_on + 1) END AS ended_on
FROM ehc_plan_as_told AS told
JOIN ehc_plan_case AS stands USING (agency_code, dataset_code, plan_ref)
WHERE told.is_active
WINDOW days AS (
    PARTITION BY told.agency_code, told.dataset_code, told.plan_ref ORDER BY told.period_end, told.submission_key
)
