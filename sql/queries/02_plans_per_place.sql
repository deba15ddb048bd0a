-- question: Where do more children have an EHC plan than elsewhere, counted per 100 residents aged 0 to 25?
-- asks: L1
-- role: commissioner
-- caveats: [Children who live outside the area are in its total and in no place.]
-- columns:
--   ratio_to_area: Rate of this place over that of the area
SELECT
    geographic_level,
    area_code,
    area_name,
    children_count,
    denominator_count,
    rate_pct,
    round(rate_pct / nullif(max(rate_pct) FILTER (WHERE geographic_level = 'area') OVER (), 0), 2) AS ratio_to_area,
    data_as_at
FROM partnership.needs_prevalence
WHERE base = 'residents_0_25' AND measure = 'ehc_plan' AND breakdown_topic = 'Total'
ORDER BY geographic_level, rate_pct DESC NULLS LAST;
