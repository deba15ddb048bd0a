-- Each statement returns the rows that must not be. Owner: joint commissioning.

-- check: met and unmet are all children
SELECT * FROM mart.unmet_need WHERE met_count + unmet_count <> children_count;

-- check: who rejected or did not match is unmet
SELECT * FROM mart.unmet_need WHERE greatest(rejected_count, unmatched_to_health_count) > unmet_count;

-- check: health places add up
SELECT need_code, team_type_code FROM mart.unmet_need GROUP BY need_code, team_type_code
HAVING sum(children_count) FILTER (WHERE health_place_code <> 'ALL') <> sum(children_count) FILTER (WHERE health_place_code = 'ALL');
