-- question: Are some groups of children matched between agencies less often than others?
-- asks: L10
-- role: commissioner
-- caveats: [A low share is no error rate; compare groups with each other.]
SELECT
    agency_code,
    dataset_code,
    group_code,
    to_group,
    breakdown_topic,
    breakdown,
    records_count,
    matched_count,
    matched_pct
FROM partnership.match_quality
WHERE breakdown_topic IN ('Sex', 'Ethnicity group', 'Deprivation fifth') AND group_code <> to_group
ORDER BY agency_code ASC, dataset_code ASC, to_group ASC, breakdown_topic ASC, matched_pct ASC;
