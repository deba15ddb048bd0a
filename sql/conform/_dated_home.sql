-- Lookup: times in which a record had a home, of a source that knows the days itself.
-- Key: agency_code, dataset_code, record_pseudonym, valid_from. Owner: social care data team.
-- Of several addresses that hold on one day the one that began last, as in _home. One whose first day is not known holds from the
-- day of the delivery. Nothing is said of days after the delivery.
WITH address AS (
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, lsoa21_code, period_end AS said_on,
        coalesce(addr_address_start_date, period_end) AS began_on,
        coalesce(CASE WHEN addr_address_end_date <= period_end THEN addr_address_end_date END, DATE '9999-12-31') AS ended_on,
        addr_address_start_date IS NOT NULL AS is_dated, (coalesce(addr_address_start_date, DATE '1900-01-01'), source_row) AS rank
    FROM identifier_bridge__ssd_address
    WHERE record_pseudonym IS NOT NULL AND lsoa21_code IS NOT NULL
),
-- Between two of these days nothing changes.
turn AS (
    SELECT DISTINCT agency_code, dataset_code, record_pseudonym, unnest([began_on, ended_on]) AS day
    FROM address WHERE began_on < ended_on AND began_on <= said_on
),
lived AS (
    SELECT
        turn.agency_code, turn.dataset_code, turn.record_pseudonym, turn.day, max(address.submission_key) AS submission_key,
        max(address.said_on) AS said_on, arg_max(address.lsoa21_code, address.rank) AS lsoa21_code,
        arg_max(address.is_dated, address.rank) AS is_dated
    FROM turn
    LEFT JOIN address
        ON address.agency_code = turn.agency_code AND address.dataset_code = turn.dataset_code
        AND address.record_pseudonym = turn.record_pseudonym AND turn.day >= address.began_on AND turn.day < address.ended_on
    GROUP BY ALL
),
moved AS (
    SELECT
        *, lead(day) OVER days AS next_day,
        coalesce(lag(coalesce(lsoa21_code, 'none')) OVER days <> coalesce(lsoa21_code, 'none'), TRUE) AS is_new
    FROM lived
    WINDOW days AS (PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY day)
),
numbered AS (
    SELECT *, sum(is_new::INTEGER) OVER (
        PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY day ROWS UNBOUNDED PRECEDING
    ) AS number
    FROM moved
)
SELECT
    agency_code, dataset_code, record_pseudonym, max(submission_key) AS submission_key, any_value(lsoa21_code) AS lsoa21_code,
    min(day) AS valid_from, nullif(max(next_day), DATE '9999-12-31') AS valid_to, max(said_on) AS said_on,
    arg_min(is_dated, day) AS is_dated
FROM numbered
WHERE lsoa21_code IS NOT NULL
GROUP BY agency_code, dataset_code, record_pseudonym, number
