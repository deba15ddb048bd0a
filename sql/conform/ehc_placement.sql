-- Grain: one placement of a plan in force.
-- Key: agency_code, dataset_code, placement_ref (plan, provider or setting, entry, rank). Owner: SEND data team.
-- As the newest return tells it. provision_code: see _placement_as_told.
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, placement_ref, plan_ref, placement_rank, provider_urn,
    provider_ukprn, setting_code, provision_code, entry_date, leaving_date
FROM placement_as_told JOIN case_return USING (submission_key)
WHERE told_before IS NULL
