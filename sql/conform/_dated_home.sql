-- Lookup: the days on which the home of a record changed or ended, of a source that knows them itself.
-- Key: agency_code, dataset_code, record_pseudonym, day. Owner: social care data team.
-- Of several addresses that hold on one day the one that began last, as in _home; where none holds there is no home. One whose
-- first day is not known holds from the day of the delivery. Nothing is said of days after the delivery.
WITH address AS (
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, lsoa21_code, period_end AS said_on,
        coalesce(addr_address_start_date, period_end) AS began_on,
        coalesce(CASE WHEN addr_address_end_date <= period_end THEN addr_address_end_date END, DATE '9999-12-31') AS ended_on,
        addr_address_start_date IS NOT NULL AS is_dated, (coalesce(addr_address_start_date, DATE '1900-01-01'), source_row) AS rank
    FROM identifier_bridge__ssd_address
    WHERE record_pseudonym IS NOT NULL AND lsoa21_code IS NOT NULL
),
turn AS (
    SELECT DISTINCT agency_code, dataset_code, record_pseudonym, unnest([began_on, ended_on]) AS day
    FROM address WHERE began_on < ended_on AND began_on <= said_on
)
SELECT
    turn.agency_code, turn.dataset_code, turn.record_pseudonym, turn.day, max(address.submission_key) AS submission_key,
    max(address.said_on) AS said_on, arg_max(address.lsoa21_code, address.rank) AS lsoa21_code,
    coalesce(arg_max(address.is_dated, address.rank), FALSE) AS is_dated
FROM turn
LEFT JOIN address
    ON address.agency_code = turn.agency_code AND address.dataset_code = turn.dataset_code
    AND address.record_pseudonym = turn.record_pseudonym AND turn.day >= address.began_on AND turn.day < address.ended_on
WHERE turn.day < DATE '9999-12-31'
GROUP BY ALL
