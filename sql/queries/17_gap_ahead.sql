-- question: Will there be enough specialist places, today and in each of the next five years?
-- asks: L11
-- role: commissioner
-- caveats: [A forecast from a synthetic area or from published figures is a demonstration.]
SELECT
    year,
    horizon_years,
    specialist_count,
    specialist_low,
    specialist_high,
    places_reliable,
    gap,
    gap_low,
    gap_high,
    interval_pct
FROM partnership.sufficiency_gap
WHERE need_code = 'ALL' AND phase_code = 'ALL' AND health_place_code = 'ALL'
ORDER BY horizon_years;
