-- Each statement returns the rows that must not be. Owner: linker.

-- check: every record is taken to be somebody
SELECT agency_code, dataset_code, count(*) FROM core.person_record WHERE person_key IS NULL GROUP BY agency_code, dataset_code;

-- check: every breakdown adds up to its total
SELECT agency_code, dataset_code, to_group, breakdown_topic FROM mart.match_quality AS part
GROUP BY agency_code, dataset_code, to_group, breakdown_topic
HAVING (sum(records_count), sum(matched_count)) <> (
    SELECT total.records_count, total.matched_count FROM mart.match_quality AS total
    WHERE total.breakdown_topic = 'Total'
        AND (total.agency_code, total.dataset_code, total.to_group) = (part.agency_code, part.dataset_code, part.to_group)
);
