-- Grain: one child placed with another provider on the day of the regional census.
-- Key: agency_code, dataset_code, placement_ref (record, first day, provision). Owner: placements team.
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key,
    md5(concat_ws('|', record_pseudonym, placement_start_date::VARCHAR, type_of_provision)) AS placement_ref, period_end AS census_date,
    type_of_provision AS provision_code, how_the_placement_was_sourced AS source_code, looked_after_child = 'looked_after' AS is_looked_after,
    placement_start_date AS start_date, total_weekly_cost AS weekly_cost_gbp, contribution_from_social_care AS social_care_gbp,
    contribution_from_education AS education_gbp, contribution_from_health AS health_gbp,
    placing_at_distance_reason AS distance_reason_code, provider_ofsted_or_equivalent_urn AS provider_urn
FROM pnw_census__placement
WHERE record_pseudonym IS NOT NULL AND placement_start_date IS NOT NULL AND type_of_provision IS NOT NULL AND total_weekly_cost IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY agency_code, dataset_code, placement_ref ORDER BY source_row DESC) = 1
