-- question: In which phase and place does the shortage lie, now and in five years?
-- asks: L11
-- role: commissioner
-- caveats: ["Demand is by where the child lives, places by where the school stands."]
-- columns:
--   gap_today: Specialist places short today; below zero they are to spare
--   gap_in_5_years: The same five years ahead
--   gap_high_in_5_years: Upper end of its interval
SELECT
    phase_code,
    health_place_code,
    max(gap) FILTER (WHERE horizon_years = 0) AS gap_today,
    max(gap) FILTER (WHERE horizon_years = 5) AS gap_in_5_years,
    max(gap_high) FILTER (WHERE horizon_years = 5) AS gap_high_in_5_years
FROM partnership.sufficiency_gap
WHERE need_code = 'ALL' AND phase_code <> 'ALL'
GROUP BY phase_code, health_place_code
ORDER BY gap_in_5_years DESC NULLS LAST;
