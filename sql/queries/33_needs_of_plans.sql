-- question: Which needs do the plans that the council keeps name, of children and young people of all ages?
-- asks: L10
-- role: commissioner
-- caveats: [Need is the primary need of the plan.]
-- columns:
--   need_name: Primary need; Not known where no plan in force says it
--   share_pct: children_count per 100 children with a plan
SELECT
    coalesce(need.need_name, part.breakdown) AS need_name,
    part.children_count,
    part.children_low,
    part.children_high,
    round(100.0 * part.children_count / nullif(whole.children_count, 0), 1) AS share_pct,
    part.data_as_at
FROM partnership.needs_prevalence AS part
INNER JOIN partnership.needs_prevalence AS whole
    ON
        part.base = whole.base AND part.measure = whole.measure AND part.geographic_level = whole.geographic_level
        AND part.area_code = whole.area_code AND whole.breakdown_topic = 'Total'
LEFT JOIN core.dim_need AS need ON part.breakdown = need.need_code
WHERE
    part.base = 'residents_0_25' AND part.measure = 'ehc_plan' AND part.geographic_level = 'area'
    AND part.breakdown_topic = 'Need'
ORDER BY part.children_count DESC NULLS LAST, need_name ASC;
