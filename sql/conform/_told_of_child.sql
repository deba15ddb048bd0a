-- Lookup: what each row of every dataset about children says, the day it speaks of, and the home that stands below it.
-- Key: none, a record may have several rows in one submission. Owner: data team.
-- told_order: the later a row is told the higher, by period, then by its place in the file; one number, which is compared fast.
SELECT
    said.agency_code, said.dataset_code, said.record_pseudonym, said.submission_key, said.period_end,
    coalesce(census_day, reference_day, said.period_end) AS day,
    (said.period_end - DATE '1900-01-01') * 4294967296 + said.source_row AS told_order,
    said.birth_month, said.sex_code, coalesce(said.ethnicity_code, nhs.ethnicity_code) AS ethnicity_code,
    coalesce(said.lsoa21_code, home.lsoa21_code) AS lsoa21_code
FROM people AS said
LEFT JOIN home USING (submission_key, record_pseudonym)
LEFT JOIN nhs_ethnicity AS nhs ON said.nhs_ethnic_code = nhs.nhs_code
LEFT JOIN census_day USING (submission_key)
LEFT JOIN day_of_return USING (submission_key)
WHERE said.record_pseudonym IS NOT NULL
