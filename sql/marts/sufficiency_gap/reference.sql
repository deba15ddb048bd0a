-- The day the plan stock is known for: the latest observation of the returns that carry plans, never after as_of.
-- Grain: one row. Owner: sufficiency.
SELECT least(max(r.observed_on), %(as_of)s::date) AS reference
FROM core.person_record AS r
WHERE EXISTS (
    SELECT 1 FROM core.ehc_plan AS p
    WHERE p.agency_code = r.agency_code AND p.dataset_code = r.dataset_code AND p.record_pseudonym = r.record_pseudonym
);
