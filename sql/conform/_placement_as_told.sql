-- Lookup: each placement of each plan in force, as each return tells it, with the place of the return among those of the plan.
-- Key: submission_key, placement_ref (plan, provider or setting, entry, rank). Owner: SEND data team.
-- provision_code, in this order: what the capacity list calls the provider, where all its places are of a whole-school type;
-- a SEN unit or resourced provision at any other school; a school; a college (UKPRN); a setting without either number.
WITH provider AS (
    SELECT provider_urn, arg_min(provision_type, list_position(['special', 'independent', 'alternative', 'post_16'], provision_type))
        AS provision_type
    FROM provision_capacity__capacity
    GROUP BY provider_urn
)
SELECT
    placement.agency_code, placement.dataset_code, placement.record_pseudonym, placement.submission_key,
    md5(concat_ws(
        '|', plan.plan_ref, coalesce(placement.urn, placement.ukprn, placement.sensetting, ''), placement.entrydate::VARCHAR,
        placement.placementrank::VARCHAR
    )) AS placement_ref,
    plan.plan_ref, placement.placementrank AS placement_rank, placement.urn AS provider_urn, placement.ukprn AS provider_ukprn,
    placement.sensetting AS setting_code,
    CASE
        WHEN provider.provision_type IS NOT NULL THEN provider.provision_type
        WHEN placement.senunitindicator OR placement.resourcedprovisionindicator THEN 'specialist_base'
        WHEN placement.urn IS NOT NULL THEN 'mainstream'
        WHEN placement.ukprn IS NOT NULL THEN 'post_16'
        WHEN placement.sensetting = 'OLA' THEN 'eotas'
        WHEN placement.sensetting = 'EYP' THEN 'mainstream'
        ELSE 'other'
    END AS provision_code,
    placement.entrydate AS entry_date, placement.leavingdate AS leaving_date,
    plan.observed_on, plan.number, plan.next_day, plan.began_on, plan.ended_on
FROM sen2__placementdetail AS placement
JOIN sen2__activeplans AS active USING (submission_key, activeplanstableid)
JOIN ehc_case USING (submission_key, requeststableid)
JOIN ehc_plan_return AS plan ON plan.submission_key = placement.submission_key AND plan.request_ref = ehc_case.request_ref
LEFT JOIN provider ON provider.provider_urn = placement.urn
WHERE placement.record_pseudonym IS NOT NULL AND placement.entrydate IS NOT NULL AND placement.placementrank IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY placement.submission_key, placement_ref ORDER BY placement.source_row DESC) = 1
