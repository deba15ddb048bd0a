-- Grain: one EHC plan.
-- Key: agency_code, dataset_code, plan_ref (request, start). Owner: SEND data team.
WITH need AS (
    SELECT agency_code, activeplanstableid, arg_min(sentype, (sentyperank, -source_row)) AS primary_need_code,
        arg_min(sentype, (sentyperank, -source_row)) FILTER (sentyperank > 1) AS secondary_need_code
    FROM sen2__senneed WHERE sentype IS NOT NULL AND sentyperank IS NOT NULL GROUP BY ALL
)
SELECT
    plan.agency_code, plan.dataset_code, plan.record_pseudonym, plan.submission_key, plan.plan_ref, plan.request_ref,
    plan.startdate AS start_date, plan.ceasedate AS cease_date, plan.ceasereason AS cease_reason_code, plan.is_active,
    plan.last_review_date, need.primary_need_code,
    CASE WHEN need.secondary_need_code <> need.primary_need_code THEN need.secondary_need_code END AS secondary_need_code
FROM ehc_plan_case AS plan LEFT JOIN need USING (agency_code, activeplanstableid)
