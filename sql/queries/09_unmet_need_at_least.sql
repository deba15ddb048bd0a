-- question: How much of the unmet need remains if every child without a health record was only not matched?
-- asks: L10
-- role: commissioner
-- caveats: [The truth lies between the two counts where the extracts are complete.]
-- columns:
--   at_most_count: Children without a referral or contact
--   at_least_count: Those of them whom health knows for something else
SELECT
    need_name,
    service_name,
    health_place_code,
    children_count,
    unmet_count AS at_most_count,
    unmet_count - unmatched_to_health_count AS at_least_count
FROM partnership.unmet_need
ORDER BY need_name, service_name, health_place_code;
