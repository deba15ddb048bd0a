-- question: Which needs do pupils with a plan or SEN support have, and how many of each?
-- asks: L10
-- role: commissioner
-- caveats: [Need is the primary need.]
-- columns:
--   need_code: Primary need, by its code
SELECT
    breakdown AS need_code,
    measure,
    children_count,
    denominator_count,
    rate_pct,
    data_as_at
FROM partnership.needs_prevalence
WHERE base = 'pupils_on_roll' AND geographic_level = 'area' AND breakdown_topic = 'Need'
ORDER BY measure ASC, children_count DESC NULLS LAST;
