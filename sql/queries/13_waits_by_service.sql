-- question: How long do children wait for each service, and how many longer than 18 weeks?
-- asks: L7
-- role: commissioner
-- caveats: [The 18-week standard is for consultant-led pathways; therapies have a local target.]
SELECT
    agency_name,
    service_name,
    waiting_count,
    waiting_over_18_weeks_count,
    waiting_over_18_weeks_pct,
    waiting_over_52_weeks_count,
    waiting_median_weeks,
    waiting_p90_weeks,
    data_as_at
FROM partnership.health_access
WHERE health_place_code = 'ALL'
ORDER BY waiting_count DESC NULLS LAST;
