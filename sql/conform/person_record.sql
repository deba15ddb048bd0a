-- Grain: one child as one source knows it.
-- Key: agency_code, dataset_code, record_pseudonym. Owner: data team.
-- Several rows of one record (dual registration, a child delivered twice, several periods): the last row that says
-- something, column by column, of the newest period first.
WITH known AS (
    SELECT
        said.* EXCLUDE (ethnicity_code, lsoa21_code), coalesce(said.lsoa21_code, home.lsoa21_code) AS lsoa21_code,
        coalesce(said.ethnicity_code, nhs.ethnicity_code) AS ethnicity_code
    FROM people AS said
    LEFT JOIN home USING (submission_key, record_pseudonym)
    LEFT JOIN nhs_ethnicity AS nhs ON said.nhs_ethnic_code = nhs.nhs_code
)
SELECT
    agency_code, dataset_code, record_pseudonym, arg_max(submission_key, period_end) AS submission_key,
    arg_max(birth_month, (period_end, source_row)) AS birth_month, arg_max(sex_code, (period_end, source_row)) AS sex_code,
    arg_max(ethnicity_code, (period_end, source_row)) AS ethnicity_code, arg_max(lsoa21_code, (period_end, source_row)) AS lsoa21_code,
    max(coalesce(census_day, reference_day, period_end)) AS observed_on
FROM known
LEFT JOIN census_day USING (submission_key)
LEFT JOIN day_of_return USING (submission_key)
WHERE record_pseudonym IS NOT NULL
GROUP BY agency_code, dataset_code, record_pseudonym
