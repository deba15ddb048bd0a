-- Grain: one LSOA (2021) of the local area.
-- Key: lsoa21_code. Owner: place planning.
SELECT
    lsoa21 AS lsoa21_code, lsoa21_name, ward AS ward_code, ward_name, health_place AS health_place_code, health_place_name,
    imd_decile, submission_key
FROM geography__area
WHERE lsoa21 IS NOT NULL AND ward IS NOT NULL AND health_place IS NOT NULL AND imd_decile IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY lsoa21 ORDER BY period_end DESC, agency_code, source_row DESC) = 1
