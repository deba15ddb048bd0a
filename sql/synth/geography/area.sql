-- Grain: one LSOA.
SELECT
    row_number() OVER (ORDER BY lsoa) AS _row, lsoa AS lsoa21, lsoa_name AS lsoa21_name, ward, ward_name, place AS health_place,
    place_name AS health_place_name, decile::VARCHAR AS imd_decile
FROM world.small_area
