-- Grain: one child protection plan.
-- Key: agency_code, dataset_code, record_pseudonym, start_date. Owner: social care data team.
-- As in cin_episode, the latest return that holds the plan tells how it went on.
SELECT
    plan.agency_code, plan.dataset_code, plan.record_pseudonym, plan.submission_key, plan.cppstartdate AS start_date,
    plan.cppenddate AS end_date, coalesce(plan.latestcategoryofabuse, plan.initialcategoryofabuse) AS category_code
FROM cin_census__child_protection_plan AS plan
LEFT JOIN newest_return AS newest USING (submission_key)
WHERE plan.record_pseudonym IS NOT NULL AND plan.cppstartdate IS NOT NULL
    AND (newest.submission_key IS NOT NULL OR plan.cppenddate IS NOT NULL)
QUALIFY row_number() OVER (
    PARTITION BY plan.agency_code, plan.dataset_code, plan.record_pseudonym, plan.cppstartdate
    ORDER BY plan.period_end DESC, plan.cppenddate IS NULL, plan.source_row DESC
) = 1
