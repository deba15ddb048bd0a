-- question: For which needs will specialist places be short in three years?
-- asks: L11
-- role: commissioner
SELECT
    need_code,
    year,
    specialist_count,
    places_reliable,
    gap,
    gap_low,
    gap_high
FROM partnership.sufficiency_gap
WHERE horizon_years = 3 AND phase_code = 'ALL' AND health_place_code = 'ALL' AND need_code <> 'ALL'
ORDER BY gap DESC NULLS LAST;
