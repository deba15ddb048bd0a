-- Grain: a time in which one source says the same SEN status of a child.
-- Key: agency_code, dataset_code, record_pseudonym, valid_from. Owner: SEND data team.
-- Codes and choice between registrations as in sen_status. A census is complete: a status holds from the first census day
-- on which it was seen until the next census of the agency that does not show it, whether that shows another or not the
-- child. A census that the agency did not deliver is no day; a change of school within the census ends nothing.
-- A plan holds from its start until it ceased. One in force without a start is known from the first return that has it; one that
-- is neither in force nor ceased until the last return that has it in force. Of two plans that touch, the time is one.
WITH census AS (
    SELECT agency_code, census_day, row_number() OVER days AS number, lead(census_day) OVER days AS next_day
    FROM (SELECT DISTINCT agency_code, census_day FROM school_census__pupilonroll JOIN census_day USING (submission_key))
    WINDOW days AS (PARTITION BY agency_code ORDER BY census_day)
),
seen AS (
    SELECT
        agency_code, dataset_code, record_pseudonym, census_day,
        min(CASE WHEN senprovision IN ('E', 'S') THEN 'E' WHEN senprovision IN ('K', 'A', 'P') THEN 'K' WHEN senprovision = 'N' THEN 'N' END)
            AS status_code,
        max(submission_key) AS submission_key
    FROM school_census__pupilonroll JOIN census_day USING (submission_key)
    WHERE record_pseudonym IS NOT NULL
    GROUP BY ALL
),
island AS (
    SELECT
        seen.*, next_day,
        number - row_number() OVER (PARTITION BY agency_code, dataset_code, record_pseudonym, status_code ORDER BY number) AS island
    FROM seen JOIN census USING (agency_code, census_day)
    WHERE status_code IS NOT NULL
),
plan AS (
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, first_seen_on, observed_on,
        least(coalesce(startdate, first_seen_on), observed_on) AS valid_from,
        CASE WHEN is_active THEN NULL WHEN ceasedate IS NULL THEN last_in_force_on + 1 ELSE least(ceasedate, observed_on) END
            AS valid_to
    FROM ehc_plan_case
    WHERE is_active OR coalesce(ceasedate, last_in_force_on) IS NOT NULL
),
-- A plan begins a new time where none before it reaches its start.
begun AS (
    SELECT *, (valid_from > max(coalesce(valid_to, DATE '9999-12-31')) OVER before) IS NOT FALSE AS is_new
    FROM plan WHERE valid_to > valid_from OR valid_to IS NULL
    WINDOW before AS (
        PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY valid_from, valid_to
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
),
time_of_plans AS (
    SELECT *, sum(is_new::INTEGER) OVER (
        PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY valid_from, valid_to ROWS UNBOUNDED PRECEDING
    ) AS island
    FROM begun
)
SELECT
    agency_code, dataset_code, record_pseudonym, max(submission_key) AS submission_key, min(census_day) AS valid_from,
    nullif(max(coalesce(next_day, DATE '9999-12-31')), DATE '9999-12-31') AS valid_to, status_code,
    min(census_day) AS first_seen_on, max(census_day) AS last_seen_on, FALSE AS is_dated
FROM island
GROUP BY agency_code, dataset_code, record_pseudonym, status_code, island
UNION ALL
SELECT
    agency_code, dataset_code, record_pseudonym, max(submission_key), min(valid_from),
    nullif(max(coalesce(valid_to, DATE '9999-12-31')), DATE '9999-12-31'), 'E', min(first_seen_on), max(observed_on), TRUE
FROM time_of_plans
GROUP BY agency_code, dataset_code, record_pseudonym, island
