-- question: Whose data does the warehouse hold back most, and how many rules found something?
-- asks: L10
-- role: commissioner
SELECT
    agency_name,
    dataset_title,
    submission,
    rows_in,
    accepted_count,
    quarantined_count,
    rejected_count,
    rules_checked_count,
    rules_failed_count
FROM partnership.data_quality
ORDER BY quarantined_count + rejected_count DESC, submission ASC;
