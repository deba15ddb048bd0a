-- Grain: LSOA x mid-year x single year of age x sex.
-- Key: lsoa21_code, year, age, sex_code. Owner: place planning.
SELECT lsoa21 AS lsoa21_code, year, age, sex AS sex_code, persons, submission_key
FROM population_projection__population
WHERE lsoa21 IS NOT NULL AND year IS NOT NULL AND age IS NOT NULL AND sex IS NOT NULL AND persons IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY lsoa21, year, age, sex ORDER BY period_end DESC, agency_code, source_row DESC) = 1
