-- Each statement returns the rows that must not be. Owner: joint commissioning.

-- check: a combination holds no more children than each smaller one it contains
SELECT larger.area_code, larger.sets, smaller.sets AS contained
FROM mart.multi_agency_overlap AS larger
JOIN mart.multi_agency_overlap AS smaller
    ON smaller.area_code = larger.area_code AND smaller.geographic_level = larger.geographic_level
    AND string_to_array(larger.sets, '+') @> string_to_array(smaller.sets, '+')
WHERE larger.children_count > smaller.children_count;

-- check: nobody has a plan and SEN support at once
SELECT * FROM mart.multi_agency_overlap WHERE sets LIKE 'ehc_plan+sen_support%' AND children_count > 0;

-- check: health places add up to the area
SELECT whole.sets FROM mart.multi_agency_overlap AS whole
JOIN mart.multi_agency_overlap AS part ON part.sets = whole.sets AND part.geographic_level = 'health_place'
WHERE whole.geographic_level = 'area'
GROUP BY whole.sets, whole.children_count HAVING sum(part.children_count) <> whole.children_count;

-- check: every range holds its count
SELECT * FROM mart.multi_agency_overlap WHERE (children_count BETWEEN children_low AND children_high AND children_low >= 0) IS NOT TRUE;
