-- Grain: a time in which one source has a child at one home.
-- Key: agency_code, dataset_code, record_pseudonym, valid_from. Owner: data team.
-- Every home that a delivery says, of every period that stands, on the day it speaks of; of several on one day the last, as
-- in person_record. A home holds until the source says another: nobody loses a home by not being in a file. A source that knows
-- the days of its addresses is believed on them, and on when a home ended. Most records say one home only; only the others
-- have to be put in order.
WITH said AS (
    SELECT
        told.agency_code, told.dataset_code, told.record_pseudonym, told.day,
        arg_max(told.lsoa21_code, told.told_order) AS lsoa21_code, max(told.submission_key) AS submission_key
    FROM told_of_child AS told
    ANTI JOIN dated_home
        ON dated_home.agency_code = told.agency_code AND dated_home.dataset_code = told.dataset_code
        AND dated_home.record_pseudonym = told.record_pseudonym
    GROUP BY ALL
),
mover AS (
    SELECT agency_code, dataset_code, record_pseudonym FROM said GROUP BY ALL HAVING min(lsoa21_code) <> max(lsoa21_code)
),
-- Where a source that knows the days has no home, that ended one: of all others only homes are told.
turn AS (
    SELECT said.*, FALSE AS is_dated, NULL::DATE AS said_on
    FROM said JOIN mover USING (agency_code, dataset_code, record_pseudonym)
    WHERE said.lsoa21_code IS NOT NULL
    UNION ALL BY NAME
    SELECT * FROM dated_home
),
moved AS (
    SELECT *, coalesce(lag(coalesce(lsoa21_code, 'none')) OVER days <> coalesce(lsoa21_code, 'none'), TRUE) AS is_new
    FROM turn
    WINDOW days AS (PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY day)
),
numbered AS (
    SELECT *, sum(is_new::INTEGER) OVER (
        PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY day ROWS UNBOUNDED PRECEDING
    ) AS number
    FROM moved
),
spell AS (
    SELECT
        agency_code, dataset_code, record_pseudonym, max(submission_key) AS submission_key, min(day) AS valid_from,
        lead(min(day)) OVER (PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY number) AS valid_to,
        any_value(lsoa21_code) AS lsoa21_code, max(day) AS last_day, max(said_on) AS said_on, arg_min(is_dated, day) AS is_dated
    FROM numbered
    GROUP BY agency_code, dataset_code, record_pseudonym, number
)
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, valid_from, valid_to, lsoa21_code, valid_from AS first_seen_on,
    CASE WHEN said_on IS NULL THEN last_day ELSE coalesce(valid_to - 1, said_on) END AS last_seen_on, is_dated
FROM spell WHERE lsoa21_code IS NOT NULL
UNION ALL
SELECT
    agency_code, dataset_code, record_pseudonym, max(submission_key), min(day), NULL, any_value(lsoa21_code), min(day), max(day), FALSE
FROM said WHERE lsoa21_code IS NOT NULL
GROUP BY agency_code, dataset_code, record_pseudonym
HAVING min(lsoa21_code) = max(lsoa21_code)
