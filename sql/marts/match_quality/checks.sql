-- Each statement returns the rows that must not be. Owner: linker.

-- check: every record is taken to be somebody
SELECT agency_code, dataset_code, count(*) FROM core.person_record WHERE person_key IS NULL GROUP BY agency_code, dataset_code;

-- check: every breakdown adds up to its total
SELECT agency_code, dataset_code, to_group, breakdown_topic FROM mart.match_quality AS part
WHERE to_dataset_code = 'ALL'
GROUP BY agency_code, dataset_code, to_group, breakdown_topic
HAVING (sum(records_count), sum(matched_count)) <> (
    SELECT total.records_count, total.matched_count FROM mart.match_quality AS total
    WHERE total.breakdown_topic = 'Total' AND total.to_dataset_code = 'ALL'
        AND (total.agency_code, total.dataset_code, total.to_group) = (part.agency_code, part.dataset_code, part.to_group)
);

-- check: no more records meet a source than meet its group
SELECT one.agency_code, one.dataset_code, one.to_dataset_code FROM mart.match_quality AS one
JOIN mart.match_quality AS whole USING (agency_code, dataset_code, to_group, breakdown_topic)
WHERE one.to_dataset_code <> 'ALL' AND whole.to_dataset_code = 'ALL' AND one.matched_count > whole.matched_count;

-- check: every range holds its count
SELECT * FROM mart.match_quality
WHERE (matched_count BETWEEN matched_low AND matched_high AND matched_low >= 0 AND matched_high <= records_count) IS NOT TRUE;
