-- The day the plan stock is known for: the last day the source of the plans speaks of, never after as_of.
-- Grain: one row. Owner: sufficiency.
SELECT least(%(as_of)s::date, max(source.period_end)) AS reference
FROM core.source AS source
WHERE (source.agency_code, source.dataset_code) IN (SELECT agency_code, dataset_code FROM core.ehc_plan);
