-- Grain: one suspension or permanent exclusion.
-- Key: agency_code, dataset_code, suspension_ref (record, first day, category). Owner: education data team.
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key,
    md5(concat_ws('|', record_pseudonym, startdate::VARCHAR, category)) AS suspension_ref,
    startdate AS start_date, sessions, category AS category_code, reason1 AS reason_code
FROM school_census__termlyexclusionsonroll
WHERE record_pseudonym IS NOT NULL AND startdate IS NOT NULL AND category IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY agency_code, dataset_code, suspension_ref ORDER BY source_row DESC) = 1
