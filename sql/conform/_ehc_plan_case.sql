-- Lookup: each plan as the returns together tell it.
-- Key: agency_code, dataset_code, plan_ref. Owner: SEND data team.
-- Only the newest return says what is in force now. A plan that an earlier one has in force, and no later one tells what came
-- of it, held until then, where they tell nothing of the child at all; else the record of the plan was mended.
SELECT told.* REPLACE (told.is_active AND told_before IS NULL AS is_active)
FROM (
    SELECT *, min(observed_on) OVER plan AS first_seen_on, max(observed_on) FILTER (is_active) OVER plan AS last_in_force_on,
        rank() OVER (PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY period_end DESC, submission_key DESC) = 1
            AS is_last_of_child
    FROM ehc_plan_as_told
    WINDOW plan AS (PARTITION BY agency_code, dataset_code, plan_ref)
) AS told
JOIN case_return USING (submission_key)
WHERE told_before IS NULL OR (is_active AND is_last_of_child) OR (ceasedate < told_before AND NOT is_active)
QUALIFY row_number() OVER (
    PARTITION BY told.agency_code, told.dataset_code, told.plan_ref ORDER BY told.period_end DESC, told.submission_key DESC
) = 1
