-- Lookup: the home of a child that stands in a table below the child's own row, per submission.
-- Key: submission_key, record_pseudonym. Owner: data team.
-- Of several addresses in a school census the last; of the homes from which a child came into care, that of the
-- latest episode; of the addresses that the case system holds, the latest that holds on the day of the delivery.
SELECT submission_key, record_pseudonym, arg_max(lsoa21_code, (day, source_row)) AS lsoa21_code
FROM (
    SELECT submission_key, record_pseudonym, lsoa21_code, source_row, DATE '1900-01-01' AS day FROM school_census__addresses
    UNION ALL
    SELECT submission_key, record_pseudonym, lsoa21_code, source_row, DATE '1900-01-01' FROM school_census__addressesoffroll
    UNION ALL
    SELECT submission_key, record_pseudonym, lsoa21_code, source_row, coalesce(decom, DATE '1900-01-01') FROM ssda903__episodes
    UNION ALL
    SELECT submission_key, record_pseudonym, lsoa21_code, source_row, coalesce(addr_address_start_date, DATE '1900-01-01')
    FROM identifier_bridge__ssd_address
    WHERE coalesce(addr_address_start_date <= period_end, TRUE) AND coalesce(addr_address_end_date > period_end, TRUE)
)
WHERE lsoa21_code IS NOT NULL AND record_pseudonym IS NOT NULL
GROUP BY submission_key, record_pseudonym
