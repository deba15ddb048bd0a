-- question: How old are the data behind these numbers, and who has to send?
-- asks: L14
-- role: commissioner
SELECT
    agency_name,
    dataset_title,
    period,
    data_as_at,
    age_days,
    accepted_pct
FROM partnership.data_quality
ORDER BY age_days DESC, agency_name ASC;
