-- question: Are plans issued within 20 weeks, month by month?
-- asks: L3
-- role: commissioner
-- caveats: [Clearing a backlog lowers the rate; the open cases past 20 weeks stand beside it.]
SELECT
    period_start,
    period_end,
    requests_count,
    issued_count,
    within_20_weeks_count,
    within_20_weeks_pct,
    within_20_weeks_no_exceptions_pct,
    median_weeks_to_issue,
    open_past_20_weeks_count
FROM partnership.ehc_process
WHERE period_type = 'month'
ORDER BY period_end;
