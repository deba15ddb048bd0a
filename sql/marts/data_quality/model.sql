-- mart.data_quality
-- Grain: submission that stands. Key: time_period, agency_code, dataset_code. Owner: data team.
WITH counted AS (
    SELECT submission_key, sum(rows_in) AS rows_in, sum(accepted) AS accepted, sum(quarantined) AS quarantined, sum(rejected) AS rejected
    FROM ops.outcome GROUP BY submission_key
),
checked AS (
    SELECT submission_key, count(*) FILTER (WHERE result IN ('passed', 'failed')) AS rules_checked,
        count(*) FILTER (WHERE failed > 0) AS rules_failed
    FROM ops.rule_outcome GROUP BY submission_key
)
SELECT
    :as_of AS time_period, source.agency_code, source.agency_name, source.dataset_code, source.dataset_title, submission.submission,
    submission.period, coalesce(counted.rows_in, 0)::integer AS rows_in, coalesce(counted.accepted, 0)::integer AS accepted_count,
    coalesce(counted.quarantined, 0)::integer AS quarantined_count, coalesce(counted.rejected, 0)::integer AS rejected_count,
    round(100.0 * counted.accepted / nullif(counted.rows_in, 0), 2) AS accepted_pct,
    coalesce(checked.rules_checked, 0) AS rules_checked_count, coalesce(checked.rules_failed, 0) AS rules_failed_count,
    :as_of - least(:as_of, source.data_as_at) AS age_days, least(:as_of, source.data_as_at) AS data_as_at
FROM core.source AS source
JOIN ops.submission AS submission USING (submission_key)
LEFT JOIN counted USING (submission_key)
LEFT JOIN checked USING (submission_key)
