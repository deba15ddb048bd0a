-- Grain: one child as one source knows it.
-- Key: agency_code, dataset_code, record_pseudonym. Owner: data team.
-- Several rows of one record (dual registration, a child delivered twice, several periods): the last row that says
-- something, column by column, of the newest period first.
SELECT
    agency_code, dataset_code, record_pseudonym, arg_max(submission_key, period_end) AS submission_key,
    arg_max(birth_month, told_order) AS birth_month, arg_max(sex_code, told_order) AS sex_code,
    arg_max(ethnicity_code, told_order) AS ethnicity_code, arg_max(lsoa21_code, told_order) AS lsoa21_code, max(day) AS observed_on
FROM told_of_child
GROUP BY agency_code, dataset_code, record_pseudonym
