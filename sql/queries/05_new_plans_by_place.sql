-- question: Where did the plans of the last twelve months start?
-- asks: L2
-- role: commissioner
-- columns:
--   share_of_new_plans_pct: children_count per 100 new plans of all health places
SELECT
    area_code,
    area_name,
    children_count,
    round(100.0 * children_count / nullif(sum(children_count) OVER (), 0), 1) AS share_of_new_plans_pct,
    data_as_at
FROM partnership.needs_prevalence
WHERE
    base = 'residents_0_25' AND measure = 'new_plans_12m' AND geographic_level = 'health_place'
    AND breakdown_topic = 'Total'
ORDER BY children_count DESC NULLS LAST;
