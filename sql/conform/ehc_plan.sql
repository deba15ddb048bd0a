-- Grain: one EHC plan.
-- Key: agency_code, dataset_code, plan_ref (request, start). Owner: SEND data team.
-- Needs and review of a plan that ceased are those of the last return that had it in force. Needs are those of the request:
-- where a return has its plan in force twice, they may hang on either row.
WITH need AS (
    SELECT ehc_case.submission_key, ehc_case.request_ref, arg_min(told.sentype, (told.sentyperank, -told.source_row)) AS primary_need_code,
        arg_min(told.sentype, (told.sentyperank, -told.source_row)) FILTER (told.sentyperank > 1) AS secondary_need_code
    FROM sen2__senneed AS told
    JOIN sen2__activeplans AS plan USING (submission_key, activeplanstableid)
    JOIN ehc_case USING (submission_key, requeststableid)
    WHERE told.sentype IS NOT NULL AND told.sentyperank IS NOT NULL
    GROUP BY ALL
),
in_force AS (
    SELECT agency_code, dataset_code, plan_ref, last_review_date, primary_need_code, secondary_need_code
    FROM ehc_plan_as_told LEFT JOIN need USING (submission_key, request_ref)
    WHERE is_active
    QUALIFY row_number() OVER (PARTITION BY agency_code, dataset_code, plan_ref ORDER BY period_end DESC, submission_key DESC) = 1
)
SELECT
    plan.agency_code, plan.dataset_code, plan.record_pseudonym, plan.submission_key, plan.plan_ref, plan.request_ref,
    plan.startdate AS start_date, plan.ceasedate AS cease_date, plan.ceasereason AS cease_reason_code, plan.is_active,
    CASE WHEN NOT plan.is_active THEN plan.last_in_force_on END AS last_in_force_on, in_force.last_review_date, in_force.primary_need_code,
    CASE WHEN in_force.secondary_need_code <> in_force.primary_need_code THEN in_force.secondary_need_code END AS secondary_need_code
FROM ehc_plan_case AS plan LEFT JOIN in_force USING (agency_code, dataset_code, plan_ref)
