-- Each statement returns the rows that must not be. Owner: sufficiency.

-- check: an interval holds its own count
SELECT * FROM mart.sufficiency_gap
WHERE plans_count NOT BETWEEN plans_low - 0.01 AND plans_high + 0.01 AND horizon_years = 0;

-- check: the gap is demand less places
SELECT * FROM mart.sufficiency_gap WHERE abs(gap - (specialist_count - places_reliable)) > 0.02;

-- check: cells add up to the total within rounding
SELECT t.horizon_years
FROM mart.sufficiency_gap AS t
INNER JOIN mart.sufficiency_gap AS c USING (time_period, horizon_years)
WHERE
    t.need_code = 'ALL' AND t.phase_code = 'ALL' AND t.health_place_code = 'ALL'
    AND c.need_code <> 'ALL' AND c.phase_code <> 'ALL' AND c.health_place_code <> 'ALL'
GROUP BY t.horizon_years, t.plans_count
HAVING abs(sum(c.plans_count) - t.plans_count) > 0.01 * count(*);
