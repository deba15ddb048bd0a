-- Grain: one activity of a young person after 16, over the months in which it was reported.
-- Key: agency_code, dataset_code, destination_ref (record, activity, first day). Owner: post-16 team.
-- A code that is not in the list, and one that could not be read, counts as not known.
WITH reported AS (
    SELECT *, CASE WHEN starts_with(activitycode, '#') THEN NULL ELSE activitycode END AS activity
    FROM nccis__young_person WHERE record_pseudonym IS NOT NULL
),
grouped AS (
    SELECT *,
        CASE
            WHEN activity IN ('290', '710', '130') THEN 'custody'
            WHEN activity IN ('210', '220', '230', '240', '250', '260', '270', '280', '110', '120') THEN 'education'
            WHEN activity IN ('310', '320', '330', '340', '350', '360', '380', '381', '550', '551') THEN 'employment'
            WHEN activity IN ('410', '420', '430', '440', '450', '460') THEN 'training'
            WHEN activity = '530' THEN 're_engagement'
            WHEN activity IN ('540', '610', '615', '616', '619', '510', '520') THEN 'neet_active'
            WHEN activity IN ('620', '630', '640', '650', '660', '670', '680', '140') THEN 'neet_inactive'
            ELSE 'not_known'
        END AS activity_group
    FROM reported
)
SELECT
    agency_code, dataset_code, record_pseudonym, max(submission_key) AS submission_key,
    md5(concat_ws('|', record_pseudonym, coalesce(activity, ''), coalesce(startdate::VARCHAR, ''))) AS destination_ref,
    activity AS activity_code, activity_group AS activity_group_code, startdate AS start_date, min(period_end) AS first_seen_on,
    max(period_end) AS last_seen_on, arg_max(currencylapsed, period_end) AS is_lapsed, arg_max(sendflag, period_end) AS has_plan,
    arg_max(sensupportflag, period_end) AS has_support, arg_max(neetstartdate, period_end) AS neet_start_date
FROM grouped
GROUP BY agency_code, dataset_code, record_pseudonym, activity, activity_group, startdate
