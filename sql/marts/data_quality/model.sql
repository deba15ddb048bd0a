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
),
-- Records that say another thing than core.person shows, of those that say anything; the facts are those of
-- core.disagreement, in one pass.
said AS (
    SELECT
        record.agency_code, record.dataset_code, count(record.birth_month) AS birth_month_said,
        count(*) FILTER (WHERE record.birth_month <> person.birth_month) AS birth_month_differs,
        count(record.sex_code) FILTER (WHERE record.sex_code <> 'U') AS sex_said,
        count(*) FILTER (WHERE record.sex_code <> person.sex_code AND 'U' NOT IN (record.sex_code, person.sex_code)) AS sex_differs,
        count(*) FILTER (WHERE own.ethnicity_group <> 'Not known') AS ethnicity_said,
        count(*) FILTER (WHERE own.ethnicity_group <> shown.ethnicity_group
            AND 'Not known' NOT IN (own.ethnicity_group, shown.ethnicity_group)) AS ethnicity_differs,
        count(record.lsoa21_code) AS home_said,
        count(*) FILTER (WHERE record.lsoa21_code <> person.lsoa21_code) AS home_differs
    FROM core.person_record AS record JOIN core.person AS person USING (person_key)
    CROSS JOIN LATERAL (SELECT core.ethnicity_group(record.ethnicity_code) AS ethnicity_group) AS own
    CROSS JOIN LATERAL (SELECT core.ethnicity_group(person.ethnicity_code) AS ethnicity_group) AS shown
    GROUP BY record.agency_code, record.dataset_code
)
SELECT
    :as_of AS time_period, source.agency_code, source.agency_name, source.dataset_code, source.dataset_title, submission.submission,
    submission.period, coalesce(counted.rows_in, 0)::integer AS rows_in, coalesce(counted.accepted, 0)::integer AS accepted_count,
    coalesce(counted.quarantined, 0)::integer AS quarantined_count, coalesce(counted.rejected, 0)::integer AS rejected_count,
    round(100.0 * counted.accepted / nullif(counted.rows_in, 0), 2) AS accepted_pct,
    coalesce(checked.rules_checked, 0) AS rules_checked_count, coalesce(checked.rules_failed, 0) AS rules_failed_count,
    :as_of - least(:as_of, source.data_as_at) AS age_days, least(:as_of, source.data_as_at) AS data_as_at,
    -- This mart is shown with every count it has: no share that tells of fewer than five.
    CASE WHEN least(birth_month_differs, birth_month_said - birth_month_differs) NOT BETWEEN 1 AND 4
        THEN round(100.0 * birth_month_differs / nullif(birth_month_said, 0), 1) END AS birth_month_differs_pct,
    CASE WHEN least(sex_differs, sex_said - sex_differs) NOT BETWEEN 1 AND 4
        THEN round(100.0 * sex_differs / nullif(sex_said, 0), 1) END AS sex_differs_pct,
    CASE WHEN least(ethnicity_differs, ethnicity_said - ethnicity_differs) NOT BETWEEN 1 AND 4
        THEN round(100.0 * ethnicity_differs / nullif(ethnicity_said, 0), 1) END AS ethnicity_differs_pct,
    CASE WHEN least(home_differs, home_said - home_differs) NOT BETWEEN 1 AND 4
        THEN round(100.0 * home_differs / nullif(home_said, 0), 1) END AS home_differs_pct
FROM core.source AS source
JOIN ops.submission AS submission USING (submission_key)
LEFT JOIN counted USING (submission_key)
LEFT JOIN checked USING (submission_key)
LEFT JOIN said ON (said.agency_code, said.dataset_code) = (source.agency_code, source.dataset_code)
