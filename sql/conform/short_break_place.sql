-- Grain: provider x kind x age group x need x financial year.
-- Key: provider_code, kind_code, age_group_code, need_code, year. Owner: commissioning team.
SELECT
    provider_code, kind AS kind_code, age_group AS age_group_code, need AS need_code, year, health_place AS health_place_code, places,
    unit AS unit_code, units_commissioned, units_used, unit_price_gbp, children_waiting, submission_key
FROM short_breaks__place
WHERE provider_code IS NOT NULL AND kind IS NOT NULL AND age_group IS NOT NULL AND need IS NOT NULL AND year IS NOT NULL
    AND health_place IS NOT NULL AND places IS NOT NULL AND unit IS NOT NULL AND units_commissioned IS NOT NULL
    AND unit_price_gbp IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY provider_code, kind, age_group, need, year ORDER BY period_end DESC, agency_code, source_row DESC
) = 1
