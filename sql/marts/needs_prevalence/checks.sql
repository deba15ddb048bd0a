-- Each statement returns the rows that must not be. Owner: SEND data team.

-- check: every breakdown adds up to its total
SELECT base, measure, geographic_level, area_code, breakdown_topic
FROM mart.needs_prevalence
GROUP BY base, measure, geographic_level, area_code, breakdown_topic
HAVING sum(children_count) <> (
    SELECT total.children_count FROM mart.needs_prevalence AS total
    WHERE total.breakdown_topic = 'Total' AND (total.base, total.measure, total.geographic_level, total.area_code)
        = (needs_prevalence.base, needs_prevalence.measure, needs_prevalence.geographic_level, needs_prevalence.area_code)
);

-- check: no more pupils with support than pupils
SELECT * FROM mart.needs_prevalence WHERE base = 'pupils_on_roll' AND children_count > denominator_count;

-- check: places do not hold more children than the area
SELECT part.base, part.measure, part.geographic_level, part.breakdown_topic, part.breakdown
FROM mart.needs_prevalence AS part
JOIN mart.needs_prevalence AS whole
    ON whole.geographic_level = 'area' AND (whole.base, whole.measure, whole.breakdown_topic, whole.breakdown)
        = (part.base, part.measure, part.breakdown_topic, part.breakdown)
WHERE part.geographic_level <> 'area'
GROUP BY part.base, part.measure, part.geographic_level, part.breakdown_topic, part.breakdown, whole.children_count
HAVING sum(part.children_count) > whole.children_count;

-- check: every plan in force is in the total
SELECT children_count FROM mart.needs_prevalence
WHERE base = 'residents_0_25' AND measure = 'ehc_plan' AND geographic_level = 'area' AND breakdown_topic = 'Total'
    AND children_count <> (SELECT count(DISTINCT person_key) FROM core.ehc_plan WHERE is_active);

-- check: every range holds its count
SELECT * FROM mart.needs_prevalence WHERE (children_count BETWEEN children_low AND children_high AND children_low >= 0) IS NOT TRUE;
