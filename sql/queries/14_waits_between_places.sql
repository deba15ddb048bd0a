-- question: Do children of one place wait longer for the service of one provider than its others?
-- asks: L8
-- role: commissioner
-- caveats: ["With few children a difference in medians is chance; look at the counts first. Query 32 compares places whoever runs the service."]
-- columns:
--   health_place: Where the child lives
--   provider_median_weeks: Median of the same provider and service over all places
--   difference_weeks: Median of this place less that of all places
WITH area AS (
    SELECT DISTINCT
        health_place_code,
        health_place_name
    FROM core.dim_geography
)

SELECT
    place.agency_name,
    place.service_name,
    area.health_place_name AS health_place,
    place.waiting_count,
    place.waiting_median_weeks,
    whole.waiting_median_weeks AS provider_median_weeks,
    place.waiting_median_weeks - whole.waiting_median_weeks AS difference_weeks
FROM partnership.health_access AS place
INNER JOIN partnership.health_access AS whole
    ON
        place.agency_code = whole.agency_code AND place.team_type_code = whole.team_type_code
        AND whole.health_place_code = 'ALL'
INNER JOIN area ON place.health_place_code = area.health_place_code
ORDER BY difference_weeks DESC NULLS LAST, place.service_name ASC, health_place ASC;
