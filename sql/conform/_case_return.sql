-- Lookup: the returns of plans that stand, each with the day before which it is the last that tells what ended.
-- Key: submission_key. Owner: SEND data team.
-- A return tells the caseload of its day, and what ended since 1 January of the year it is of. So the newest (no day) tells
-- what is, and of an earlier one stands what ended before the year of every later one: no end is told twice.
SELECT submission_key, min(date_trunc('year', period_start)::DATE) OVER (
    PARTITION BY agency_code, dataset_code ORDER BY period_end, submission_key ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
) AS told_before
FROM (SELECT DISTINCT agency_code, dataset_code, submission_key, period_start, period_end FROM sen2__requests)
