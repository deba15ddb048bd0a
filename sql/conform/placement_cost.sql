-- Grain: provider x type of provision x need x financial year.
-- Key: provider_code, provision_code, need_code, year. Owner: commissioning team.
SELECT
    provider_code, provision_type AS provision_code, need AS need_code, year, placements, weeks, total_cost_gbp, social_care_gbp,
    education_gbp, health_gbp, is_in_area, submission_key
FROM placement_cost__cost
WHERE provider_code IS NOT NULL AND provision_type IS NOT NULL AND need IS NOT NULL AND year IS NOT NULL AND placements IS NOT NULL
    AND weeks IS NOT NULL AND total_cost_gbp IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY provider_code, provision_type, need, year ORDER BY period_end DESC, agency_code, source_row DESC
) = 1
