-- question: Does each service see as many children as are referred, and how long may its queue be for a wait of 18 weeks?
-- asks: L7
-- role: commissioner
-- caveats:
--   - What a service saw in twelve months is taken for what it can see.
--   - The 18 weeks stand for a local target; another target makes the queue longer or shorter in proportion.
-- columns:
--   referred_per_week: Referrals of the 12 months that were not rejected, per week
--   seen_per_week: Referrals whose clock stopped in the 12 months, per week
--   load: referred_per_week over seen_per_week; above 1 the queue grows
--   target_queue: "Queue at which 18 weeks are kept: referred_per_week times 18 over 4"
--   over_target_count: waiting_count less target_queue; below zero the queue is short enough
WITH weekly AS (
    SELECT
        agency_name,
        service_name,
        waiting_count,
        data_as_at,
        (referrals_12m_count - rejected_12m_count) * 7 / 365.25 AS referred,
        seen_12m_count * 7 / 365.25 AS seen
    FROM partnership.health_access
    WHERE health_place_code = 'ALL'
)

SELECT
    agency_name,
    service_name,
    round(referred, 2) AS referred_per_week,
    round(seen, 2) AS seen_per_week,
    round(referred / nullif(seen, 0), 2) AS load,
    waiting_count,
    round(referred * 18 / 4, 1) AS target_queue,
    round(waiting_count - referred * 18 / 4, 1) AS over_target_count,
    data_as_at
FROM weekly
ORDER BY over_target_count DESC NULLS LAST, agency_name ASC, service_name ASC;
