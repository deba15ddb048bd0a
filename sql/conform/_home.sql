-- Lookup: the home of a child that stands in a table below the child's own row, per submission.
-- Key: submission_key, record_pseudonym. Owner: data team.
-- Of several addresses in a school census the last; of the homes from which a child came into care, that of the latest episode.
SELECT submission_key, record_pseudonym, arg_max(lsoa21_code, (day, source_row)) AS lsoa21_code
FROM (
    SELECT submission_key, record_pseudonym, lsoa21_code, source_row, DATE '1900-01-01' AS day FROM school_census__addresses
    UNION ALL
    SELECT submission_key, record_pseudonym, lsoa21_code, source_row, DATE '1900-01-01' FROM school_census__addressesoffroll
    UNION ALL
    SELECT submission_key, record_pseudonym, lsoa21_code, source_row, coalesce(decom, DATE '1900-01-01') FROM ssda903__episodes
)
WHERE lsoa21_code IS NOT NULL AND record_pseudonym IS NOT NULL
GROUP BY submission_key, record_pseudonym
