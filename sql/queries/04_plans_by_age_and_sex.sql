-- question: How old are the children with a plan, and how many are boys?
-- asks: L10
-- role: commissioner
-- caveats: [Age is that of the last 31 August.]
SELECT
    breakdown_topic,
    breakdown,
    children_count,
    denominator_count,
    rate_pct
FROM partnership.needs_prevalence
WHERE
    base = 'residents_0_25' AND measure = 'ehc_plan' AND geographic_level = 'area'
    AND breakdown_topic IN ('Age band', 'Sex')
ORDER BY breakdown_topic, breakdown = 'Not known', breakdown <> 'Under 5', breakdown <> '5 to 10', breakdown;
