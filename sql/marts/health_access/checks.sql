-- Each statement returns the rows that must not be. Owner: joint commissioning.

-- check: parts are not larger than their whole
SELECT * FROM mart.health_access
WHERE rejected_12m_count > referrals_12m_count OR waiting_over_52_weeks_count > waiting_over_18_weeks_count
    OR waiting_over_18_weeks_count > waiting_count OR was_not_brought_12m_count > appointments_12m_count;

-- check: health places add up to the provider's total
SELECT agency_code, team_type_code FROM mart.health_access
GROUP BY agency_code, team_type_code
HAVING sum(waiting_count) FILTER (WHERE health_place_code <> 'ALL') <> sum(waiting_count) FILTER (WHERE health_place_code = 'ALL')
    OR sum(referrals_12m_count) FILTER (WHERE health_place_code <> 'ALL')
        <> sum(referrals_12m_count) FILTER (WHERE health_place_code = 'ALL');

-- check: nobody waits before the clock starts
SELECT * FROM mart.health_access WHERE waiting_median_weeks < 0 OR seen_median_weeks < 0;
