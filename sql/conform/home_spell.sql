-- Grain: a time in which one source has a child at one home.
-- Key: agency_code, dataset_code, record_pseudonym, valid_from. Owner: data team.
-- Every home that a delivery says, of every period that stands, on the day it speaks of; of several on one day the last, as
-- in person_record. A home holds until the source says another: nobody loses a home by not being in a file. A source that knows
-- the days of its addresses is believed on them, and on when a home ended.
WITH said AS (
    SELECT
        said.agency_code, said.dataset_code, said.record_pseudonym, coalesce(census_day, reference_day, said.period_end) AS day,
        arg_max(coalesce(said.lsoa21_code, home.lsoa21_code), (said.period_end, said.source_row)) AS lsoa21_code,
        max(said.submission_key) AS submission_key
    FROM people AS said
    LEFT JOIN home USING (submission_key, record_pseudonym)
    LEFT JOIN census_day USING (submission_key)
    LEFT JOIN day_of_return USING (submission_key)
    ANTI JOIN dated_home
        ON dated_home.agency_code = said.agency_code AND dated_home.dataset_code = said.dataset_code
        AND dated_home.record_pseudonym = said.record_pseudonym
    WHERE said.record_pseudonym IS NOT NULL
    GROUP BY ALL
),
moved AS (
    SELECT *, coalesce(lag(lsoa21_code) OVER days <> lsoa21_code, TRUE) AS is_new
    FROM said WHERE lsoa21_code IS NOT NULL
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
    any_value(lsoa21_code) AS lsoa21_code, min(day) AS first_seen_on, max(day) AS last_seen_on, FALSE AS is_dated
FROM numbered
GROUP BY agency_code, dataset_code, record_pseudonym, number
UNION ALL
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, valid_from, valid_to, lsoa21_code,
    valid_from AS first_seen_on, coalesce(valid_to - 1, said_on) AS last_seen_on, is_dated
FROM dated_home
