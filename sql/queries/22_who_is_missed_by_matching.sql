-- question: Are some groups of children matched between agencies less often than others?
-- asks: L10
-- role: commissioner
-- caveats: [A low share is no error rate; compare groups with each other.]
-- columns:
--   agency_name: Whose records
--   dataset_title: Of which dataset
SELECT
    source.agency_name,
    source.dataset_title,
    met.to_group,
    met.breakdown_topic,
    met.breakdown,
    met.records_count,
    met.matched_count,
    met.matched_pct
FROM partnership.match_quality AS met
INNER JOIN core.dim_source AS source ON met.agency_code = source.agency_code AND met.dataset_code = source.dataset_code
WHERE met.breakdown_topic IN ('Sex', 'Ethnicity group', 'Deprivation fifth') AND met.group_code <> met.to_group
ORDER BY source.agency_name ASC, source.dataset_title ASC, met.to_group ASC, met.breakdown_topic ASC, met.matched_pct ASC;
