-- Grain: one EHC plan.
-- Key: agency_code, dataset_code, plan_ref (request, start). Owner: SEND data team.
-- Needs and review of a plan that ceased are those of the last return that had it in force.
WITH need AS (
    SELECT submission_key, activeplanstableid, arg_min(sentype, (sentyperank, -source_row)) AS primary_need_code,
        arg_min(sentype, (sentyperank, -source_row)) FILTER (sentyperank > 1) AS secondary_need_code
    FROM sen2__senneed WHERE sentype IS NOT NULL AND sentyperank IS NOT NULL GROUP BY ALL
),
in_force AS (
    SELECT agency_code, dataset_code, plan_ref, last_review_date, primary_need_code, secondary_need_code
    FROM ehc_plan_as_told LEFT JOIN need USING (submission_key, activeplanstableid)
    WHERE is_active
    QUALIFY row_number() OVER (PARTITION BY agency_code, dataset_code, plan_ref ORDER BY period_end DESC, submission_key DESC) = 1
)
SELECT
    plan.agency_code, plan.dataset_code, plan.record_pseudonym, plan.submission_key, plan.plan_ref, plan.request_ref,
    plan.startdate AS start_date, plan.ceasedate AS cease_date, plan.ceasereason AS cease_reason_code, plan.is_active,
    CASE WHEN NOT plan.is_active THEN plan.last_in_force_on END AS last_in_force_on, in_force.last_review_date, in_force.primary_need_code,
    CASE WHEN in_force.secondary_need_code <> in_force.primary_need_code THEN in_force.secondary_need_code END AS secondary_need_code
FROM ehc_plan_case AS plan LEFT JOIN in_force USING (agency_code, dataset_code, plan_ref)
