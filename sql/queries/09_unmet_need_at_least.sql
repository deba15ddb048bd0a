-- question: How much of the unmet need remains if every child without a health record was only not matched?
-- asks: L10
-- role: commissioner
-- caveats: [The truth lies between the two counts where the extracts are complete.]
-- columns:
--   health_place: Where the child lives; unknown or ALL where it is neither
--   at_most_count: Children without a referral or contact
--   at_least_count: Those of them whom health knows for something else
WITH area AS (
    SELECT DISTINCT
        health_place_code,
        health_place_name
    FROM core.dim_geography
)

SELECT
    need.need_name,
    need.service_name,
    coalesce(area.health_place_name, need.health_place_code) AS health_place,
    need.children_count,
    need.unmet_count AS at_most_count,
    need.unmet_count - need.unmatched_to_health_count AS at_least_count
FROM partnership.unmet_need AS need
LEFT JOIN area ON need.health_place_code = area.health_place_code
ORDER BY need.need_name, need.service_name, need.health_place_code <> 'ALL', health_place;
