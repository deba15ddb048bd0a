-- question: For which needs will specialist places be short in three years?
-- asks: L11
-- role: commissioner
-- columns:
--   need_name: Primary need; unknown where no plan in force says it
SELECT
    coalesce(need.need_name, short.need_code) AS need_name,
    short.year,
    short.specialist_count,
    short.places_reliable,
    short.gap,
    short.gap_low,
    short.gap_high
FROM partnership.sufficiency_gap AS short
LEFT JOIN core.dim_need AS need ON short.need_code = need.need_code
WHERE
    short.horizon_years = 3 AND short.phase_code = 'ALL' AND short.health_place_code = 'ALL'
    AND short.need_code <> 'ALL'
ORDER BY short.gap DESC NULLS LAST;
