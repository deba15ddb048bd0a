-- Grain: provider x provision type x phase x designated need x January.
-- Key: provider_urn, provision_code, phase_code, need_code, year. Owner: place planning.
-- Places already open are certain; planned places without a stated probability are taken as certain too.
SELECT
    provider_urn, provision_type AS provision_code, phase AS phase_code, need AS need_code, year,
    health_place AS health_place_code, places_physical, places_commissioned,
    coalesce(places_held_by_others, 0) AS places_held_by_others, coalesce(is_planned, FALSE) AS is_planned,
    CASE WHEN is_planned THEN coalesce(delivery_probability, 1) ELSE 1 END AS delivery_probability, submission_key
FROM provision_capacity__capacity
WHERE provider_urn IS NOT NULL AND provision_type IS NOT NULL AND phase IS NOT NULL AND need IS NOT NULL AND year IS NOT NULL
    AND health_place IS NOT NULL AND places_commissioned IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY provider_urn, provision_type, phase, need, year ORDER BY period_end DESC, agency_code, source_row DESC
) = 1
