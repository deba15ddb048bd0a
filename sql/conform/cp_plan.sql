-- Grain: one child protection plan.
-- Key: agency_code, dataset_code, record_pseudonym, start_date. Owner: social care data team.
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, cppstartdate AS start_date, cppenddate AS end_date,
    coalesce(latestcategoryofabuse, initialcategoryofabuse) AS category_code
FROM cin_census__child_protection_plan
WHERE record_pseudonym IS NOT NULL AND cppstartdate IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, record_pseudonym, cppstartdate ORDER BY cppenddate IS NULL, source_row DESC
) = 1
