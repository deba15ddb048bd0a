-- question: How many referrals does each service get, and how many does it turn away?
-- asks: L7
-- role: commissioner
-- columns:
--   rejected_pct: rejected_12m_count per 100 of referrals_12m_count
SELECT
    agency_name,
    service_name,
    referrals_12m_count,
    rejected_12m_count,
    round(100.0 * rejected_12m_count / nullif(referrals_12m_count, 0), 1) AS rejected_pct,
    seen_12m_count,
    seen_median_weeks,
    seen_p90_weeks
FROM partnership.health_access
WHERE health_place_code = 'ALL'
ORDER BY referrals_12m_count DESC NULLS LAST;
