-- question: In which phase and place does the shortage lie, now and in five years?
-- asks: L11
-- role: commissioner
-- caveats: ["Demand is by where the child lives, places by where the school stands."]
-- columns:
--   health_place: Where the child lives and where the place stands; unknown or ALL where it is neither
--   gap_today: Specialist places short today; below zero they are to spare
--   gap_in_5_years: The same five years ahead
--   gap_high_in_5_years: Upper end of its interval
WITH area AS (
    SELECT DISTINCT
        health_place_code,
        health_place_name
    FROM core.dim_geography
)

SELECT
    short.phase_code,
    coalesce(area.health_place_name, short.health_place_code) AS health_place,
    max(short.gap) FILTER (WHERE short.horizon_years = 0) AS gap_today,
    max(short.gap) FILTER (WHERE short.horizon_years = 5) AS gap_in_5_years,
    max(short.gap_high) FILTER (WHERE short.horizon_years = 5) AS gap_high_in_5_years
FROM partnership.sufficiency_gap AS short
LEFT JOIN area ON short.health_place_code = area.health_place_code
WHERE short.need_code = 'ALL' AND short.phase_code <> 'ALL'
GROUP BY short.phase_code, short.health_place_code, area.health_place_name
ORDER BY gap_in_5_years DESC NULLS LAST, short.phase_code ASC, health_place ASC;
