-- question: Which needs do pupils with a plan or SEN support have, and how many of each?
-- asks: L10
-- role: commissioner
-- caveats: [Need is the primary need.]
-- columns:
--   need_name: Primary need; Not known where the census says none
SELECT
    coalesce(need.need_name, prevalence.breakdown) AS need_name,
    prevalence.measure,
    prevalence.children_count,
    prevalence.denominator_count,
    prevalence.rate_pct,
    prevalence.data_as_at
FROM partnership.needs_prevalence AS prevalence
LEFT JOIN core.dim_need AS need ON prevalence.breakdown = need.need_code
WHERE
    prevalence.base = 'pupils_on_roll' AND prevalence.geographic_level = 'area' AND prevalence.breakdown_topic = 'Need'
ORDER BY prevalence.measure ASC, prevalence.children_count DESC NULLS LAST;
