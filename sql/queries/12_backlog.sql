-- question: Is the backlog of open cases growing or shrinking?
-- asks: L3
-- role: commissioner
-- columns:
--   change_count: Open cases more than at the end of the month before
--   open_past_20_weeks_pct: open_past_20_weeks_count per 100 of open_cases_count
SELECT
    period_end,
    open_cases_count,
    open_cases_count - lag(open_cases_count) OVER months AS change_count,
    open_past_20_weeks_count,
    round(100.0 * open_past_20_weeks_count / nullif(open_cases_count, 0), 1) AS open_past_20_weeks_pct
FROM partnership.ehc_process
WHERE period_type = 'month'
WINDOW months AS (ORDER BY period_end)
ORDER BY period_end;
