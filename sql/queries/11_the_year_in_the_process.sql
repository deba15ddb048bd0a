-- question: What became of the requests of the last twelve months?
-- asks: L3
-- role: commissioner
SELECT
    period_start,
    period_end,
    requests_count,
    decided_count,
    refused_pct,
    decided_in_6_weeks_pct,
    assessed_count,
    issued_pct,
    not_issued_in_16_weeks_count,
    issued_count,
    within_20_weeks_pct,
    within_20_weeks_no_exceptions_pct,
    issued_after_52_weeks_count,
    data_as_at
FROM partnership.ehc_process
WHERE period_type = '12_months';
