-- question: Do children of one place wait longer for the same service than those of another?
-- asks: L8
-- role: commissioner
-- caveats: [With few children a difference in medians is chance; look at the counts first.]
-- columns:
--   area_median_weeks: Median of the same service over all places
--   difference_weeks: Median of this place less that of all places
SELECT
    place.agency_name,
    place.service_name,
    place.health_place_code,
    place.waiting_count,
    place.waiting_median_weeks,
    whole.waiting_median_weeks AS area_median_weeks,
    place.waiting_median_weeks - whole.waiting_median_weeks AS difference_weeks
FROM partnership.health_access AS place
INNER JOIN partnership.health_access AS whole
    ON
        place.agency_code = whole.agency_code AND place.team_type_code = whole.team_type_code
        AND whole.health_place_code = 'ALL'
WHERE place.health_place_code NOT IN ('ALL', 'unknown')
ORDER BY difference_weeks DESC NULLS LAST, place.service_name ASC, place.health_place_code ASC;
