-- mart.ehc_process
-- Grain: period. Key: time_period, period_type, period_end. Owner: SEND data team.
-- Clocks run from received_date: 6 weeks to the decision whether to assess, 16 to refuse a plan, 20 to issue one.
WITH seen AS MATERIALIZED (
    SELECT least(:as_of, max(source.data_as_at)) AS data_as_at FROM core.source AS source
    WHERE (source.agency_code, source.dataset_code) IN (SELECT agency_code, dataset_code FROM core.ehc_request)
),
period AS (
    SELECT 'month' AS period_type, month::date AS period_start,
        least((month + interval '1 month' - interval '1 day')::date, seen.data_as_at) AS period_end
    FROM seen, generate_series(
        date_trunc('month', seen.data_as_at) - interval '11 months', date_trunc('month', seen.data_as_at), interval '1 month'
    ) AS month
    UNION ALL
    SELECT '12_months', (data_as_at - interval '12 months' + interval '1 day')::date, data_as_at FROM seen
    WHERE data_as_at IS NOT NULL
),
request AS (
    SELECT *, assessment_outcome_date - received_date AS days_to_outcome,
        -- The day it stopped being open; a withdrawn request has no such day and was never seen open.
        CASE
            WHEN request_outcome_code = 'N' THEN request_outcome_date
            WHEN assessment_outcome_code IN ('Y', 'N') THEN assessment_outcome_date
        END AS ended_date,
        request_outcome_code IN ('W', 'H') OR coalesce(assessment_outcome_code IN ('W', 'H'), FALSE) AS is_dateless
    FROM core.ehc_request
    WHERE request_outcome_code <> 'H'
),
measured AS (
    SELECT
        period.*,
        count(*) FILTER (WHERE received_date BETWEEN period_start AND period_end) AS requests_count,
        count(*) FILTER (WHERE request_outcome_code IN ('Y', 'N') AND request_outcome_date BETWEEN period_start AND period_end)
            AS decided_count,
        count(*) FILTER (WHERE request_outcome_code = 'N' AND request_outcome_date BETWEEN period_start AND period_end) AS refused_count,
        count(*) FILTER (WHERE request_outcome_code IN ('Y', 'N') AND request_outcome_date BETWEEN period_start AND period_end
            AND request_outcome_date - received_date <= 42) AS decided_in_6_weeks_count,
        count(*) FILTER (WHERE assessment_outcome_code IN ('Y', 'N') AND assessment_outcome_date BETWEEN period_start AND period_end)
            AS assessed_count,
        count(*) FILTER (WHERE assessment_outcome_code = 'Y' AND assessment_outcome_date BETWEEN period_start AND period_end)
            AS issued_count,
        count(*) FILTER (WHERE assessment_outcome_code = 'N' AND assessment_outcome_date BETWEEN period_start AND period_end
            AND days_to_outcome <= 112) AS not_issued_in_16_weeks_count,
        count(*) FILTER (WHERE assessment_outcome_code = 'Y' AND assessment_outcome_date BETWEEN period_start AND period_end
            AND days_to_outcome <= 140) AS within_20_weeks_count,
        count(*) FILTER (WHERE assessment_outcome_code = 'Y' AND assessment_outcome_date BETWEEN period_start AND period_end
            AND is_exception IS NOT TRUE) AS issued_no_exceptions_count,
        count(*) FILTER (WHERE assessment_outcome_code = 'Y' AND assessment_outcome_date BETWEEN period_start AND period_end
            AND is_exception IS NOT TRUE AND days_to_outcome <= 140) AS within_20_weeks_no_exceptions_count,
        count(*) FILTER (WHERE assessment_outcome_code = 'Y' AND assessment_outcome_date BETWEEN period_start AND period_end
            AND days_to_outcome > 364) AS issued_after_52_weeks_count,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY days_to_outcome / 7.0)
            FILTER (WHERE assessment_outcome_code = 'Y' AND assessment_outcome_date BETWEEN period_start AND period_end)
            AS median_weeks_to_issue,
        count(*) FILTER (WHERE received_date <= period_end AND NOT is_dateless AND (ended_date IS NULL OR ended_date > period_end))
            AS open_cases_count,
        count(*) FILTER (WHERE received_date < period_end - 140 AND NOT is_dateless AND (ended_date IS NULL OR ended_date > period_end))
            AS open_past_20_weeks_count
    FROM period LEFT JOIN request ON TRUE
    GROUP BY period.period_type, period.period_start, period.period_end
)
SELECT
    :as_of AS time_period, period_type, period_start, period_end, requests_count, decided_count, refused_count,
    round(100.0 * refused_count / nullif(decided_count, 0), 1) AS refused_pct, decided_in_6_weeks_count,
    round(100.0 * decided_in_6_weeks_count / nullif(decided_count, 0), 1) AS decided_in_6_weeks_pct, assessed_count, issued_count,
    round(100.0 * issued_count / nullif(assessed_count, 0), 1) AS issued_pct, not_issued_in_16_weeks_count, within_20_weeks_count,
    round(100.0 * within_20_weeks_count / nullif(issued_count, 0), 1) AS within_20_weeks_pct, issued_no_exceptions_count,
    within_20_weeks_no_exceptions_count,
    round(100.0 * within_20_weeks_no_exceptions_count / nullif(issued_no_exceptions_count, 0), 1) AS within_20_weeks_no_exceptions_pct,
    round(median_weeks_to_issue::numeric, 1) AS median_weeks_to_issue, issued_after_52_weeks_count, open_cases_count,
    open_past_20_weeks_count, seen.data_as_at
FROM measured, seen
