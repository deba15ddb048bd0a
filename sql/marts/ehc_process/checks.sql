-- Each statement returns the rows that must not be. Owner: SEND data team.

-- check: parts are not larger than their whole
SELECT * FROM mart.ehc_process
WHERE refused_count > decided_count OR decided_in_6_weeks_count > decided_count OR issued_count > assessed_count
    OR within_20_weeks_count > issued_count OR issued_no_exceptions_count > issued_count
    OR within_20_weeks_no_exceptions_count > least(within_20_weeks_count, issued_no_exceptions_count)
    OR open_past_20_weeks_count > open_cases_count;

-- check: twelve months and one window
SELECT period_type, count(*) FROM mart.ehc_process
GROUP BY period_type HAVING count(*) <> CASE period_type WHEN 'month' THEN 12 ELSE 1 END;
