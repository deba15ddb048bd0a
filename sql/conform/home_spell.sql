-- Grain: a time in which one source has a child at one home.
-- Key: agency_code, dataset_code, record_pseudonym, valid_from. Owner: data team.
-- Every home that a delivery says, of every period that stands, on the day it speaks of; of several on one day the last, as
-- in person_record. observed_to is the last day of the record, with or without a home. A home holds until the source says another: nobody loses a home by not being in a file.
WITH said AS (
    SELECT
        said.agency_code, said.dataset_code, said.record_pseudonym, coalesce(census_day, reference_day, said.period_end) AS day,
        arg_max(coalesce(said.lsoa21_code, home.lsoa21_code), (said.period_end, said.source_row)) AS lsoa21_code,
        max(said.submission_key) AS submission_key
    FROM people AS said
    LEFT JOIN home USING (submission_key, record_pseudonym)
    LEFT JOIN census_day USING (submission_key)
    LEFT JOIN day_of_return USING (submission_key)
    WHERE said.record_pseudonym IS NOT NULL
    GROUP BY ALL
),
heard AS (SELECT *, max(day) OVER (PARTITION BY agency_code, dataset_code, record_pseudonym) AS observed_to FROM said),
moved AS (
    SELECT *, coalesce(lag(lsoa21_code) OVER days <> lsoa21_code, TRUE) AS is_new
    FROM heard WHERE lsoa21_code IS NOT NULL
    WINDOW days AS (PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY day)
),
numbered AS (
    SELECT *, sum(is_new::INTEGER) OVER (
        PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY day ROWS UNBOUNDED PRECEDING
    ) AS number
    FROM moved
)
SELECT
    agency_code, dataset_code, record_pseudonym, max(submission_key) AS submission_key, min(day) AS valid_from,
    lead(min(day)) OVER (PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY number) AS valid_to,
    any_value(lsoa21_code) AS lsoa21_code, min(day) AS first_seen_on, max(day) AS last_seen_on, any_value(observed_to) AS observed_to
FROM numbered
GROUP BY agency_code, dataset_code, record_pseudonym, number
