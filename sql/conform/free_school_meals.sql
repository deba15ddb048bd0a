-- Grain: one period in which a pupil was eligible for free school meals.
-- Key: agency_code, dataset_code, record_pseudonym, start_date. Owner: education data team.
-- Every census carries the periods anew; the newest census that has a period tells when it ended.
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, fsmstartdate AS start_date, fsmenddate AS end_date,
    census_day AS observed_on
FROM school_census__fsmperiod JOIN census_day USING (submission_key)
WHERE record_pseudonym IS NOT NULL AND fsmstartdate IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, record_pseudonym, start_date ORDER BY census_day DESC, end_date DESC NULLS FIRST, source_row DESC
) = 1
