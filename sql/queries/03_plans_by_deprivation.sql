-- question: Do children of poorer neighbourhoods have plans as often as others?
-- asks: L8
-- role: commissioner
-- caveats: [A difference of rates says nothing of its cause.]
-- columns:
--   deprivation_fifth: Fifth of neighbourhoods by deprivation; Not known where the address is
SELECT
    breakdown AS deprivation_fifth,
    children_count,
    denominator_count,
    rate_pct
FROM partnership.needs_prevalence
WHERE
    base = 'residents_0_25' AND measure = 'ehc_plan' AND geographic_level = 'area'
    AND breakdown_topic = 'Deprivation fifth'
ORDER BY breakdown;
