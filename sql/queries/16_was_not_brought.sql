-- question: From where, and to which service, are children not brought to their appointments?
-- asks: L8
-- role: commissioner
-- columns:
--   health_place: Where the child lives; unknown where the address is or outside the area
WITH area AS (
    SELECT DISTINCT
        health_place_code,
        health_place_name
    FROM core.dim_geography
)

SELECT
    missed.agency_name,
    missed.service_name,
    coalesce(area.health_place_name, missed.health_place_code) AS health_place,
    missed.appointments_12m_count,
    missed.was_not_brought_12m_count,
    missed.was_not_brought_pct
FROM partnership.health_access AS missed
LEFT JOIN area ON missed.health_place_code = area.health_place_code
WHERE missed.health_place_code <> 'ALL'
ORDER BY missed.was_not_brought_pct DESC NULLS LAST, missed.appointments_12m_count DESC NULLS LAST;
