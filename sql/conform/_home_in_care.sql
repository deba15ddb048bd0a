-- Lookup: the home from which a child came into care, as the latest episode says that gives one in the area.
-- Key: submission_key, child. Owner: social care data team.
SELECT submission_key, child, arg_max(lsoa21_code, coalesce(decom, DATE '1900-01-01')) AS lsoa21_code
FROM ssda903__episodes
WHERE lsoa21_code IS NOT NULL
GROUP BY submission_key, child
