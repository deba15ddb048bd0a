-- mart.health_access
-- Grain: provider x service x health place. Key: see mart.yaml. Owner: joint commissioning.
-- A wait: from clock start to clock stop, or to the day the extract speaks of while open and not rejected.
WITH referral AS (
    SELECT
        referral.*, coalesce(profile.health_place_code, 'unknown') AS place_code, least(:as_of, referral.observed_to) AS as_at,
        referral.clock_stop_date <= least(:as_of, referral.observed_to) AS is_seen,
        coalesce(referral.rejected_date, referral.closed_date) <= least(:as_of, referral.observed_to) AS is_ended
    FROM core.referral AS referral LEFT JOIN core.person_profile AS profile USING (person_key)
    WHERE referral.received_date <= least(:as_of, referral.observed_to)
),
counted AS (
    SELECT
        referral.agency_code, referral.team_type_code, place.health_place_code, max(referral.as_at) AS data_as_at,
        count(*) FILTER (WHERE received_date > as_at - interval '12 months') AS referrals_12m_count,
        count(*) FILTER (WHERE received_date > as_at - interval '12 months' AND rejected_date IS NOT NULL) AS rejected_12m_count,
        count(*) FILTER (WHERE is_waiting) AS waiting_count,
        count(*) FILTER (WHERE is_waiting AND as_at - clock_start_date > 126) AS waiting_over_18_weeks_count,
        count(*) FILTER (WHERE is_waiting AND as_at - clock_start_date > 364) AS waiting_over_52_weeks_count,
        percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY (as_at - clock_start_date) / 7.0) FILTER (WHERE is_waiting)
            AS waiting_weeks,
        count(*) FILTER (WHERE is_seen_12m) AS seen_12m_count,
        percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY (clock_stop_date - clock_start_date) / 7.0) FILTER (WHERE is_seen_12m)
            AS seen_weeks
    FROM referral
    CROSS JOIN LATERAL (SELECT
        is_seen IS NOT TRUE AND is_ended IS NOT TRUE AND clock_start_date <= as_at AS is_waiting,
        coalesce(is_seen, FALSE) AND clock_stop_date > as_at - interval '12 months' AND rejected_date IS NULL AS is_seen_12m
    ) AS state
    CROSS JOIN LATERAL (VALUES (place_code), ('ALL')) AS place (health_place_code)
    GROUP BY referral.agency_code, referral.team_type_code, place.health_place_code
),
appointment AS (
    SELECT
        referral.agency_code, referral.team_type_code, place.health_place_code, count(*) AS appointments_12m_count,
        count(*) FILTER (WHERE contact.attendance_code IN ('3', '7')) AS was_not_brought_12m_count
    FROM core.contact AS contact
    JOIN referral USING (agency_code, dataset_code, referral_ref)
    CROSS JOIN LATERAL (VALUES (referral.place_code), ('ALL')) AS place (health_place_code)
    WHERE contact.is_with_patient AND contact.attendance_code IN ('3', '5', '6', '7')
        AND contact.contact_date > referral.as_at - interval '12 months' AND contact.contact_date <= referral.as_at
    GROUP BY referral.agency_code, referral.team_type_code, place.health_place_code
)
SELECT
    :as_of AS time_period, counted.agency_code, source.agency_name, counted.team_type_code,
    coalesce(service.label, 'Not recorded') AS service_name, counted.health_place_code,
    counted.referrals_12m_count, counted.rejected_12m_count, counted.waiting_count, counted.waiting_over_18_weeks_count,
    counted.waiting_over_52_weeks_count,
    round(100.0 * counted.waiting_over_18_weeks_count / nullif(counted.waiting_count, 0), 1) AS waiting_over_18_weeks_pct,
    round(counted.waiting_weeks[1]::numeric, 1) AS waiting_median_weeks, round(counted.waiting_weeks[2]::numeric, 1) AS waiting_p90_weeks,
    counted.seen_12m_count, round(counted.seen_weeks[1]::numeric, 1) AS seen_median_weeks,
    round(counted.seen_weeks[2]::numeric, 1) AS seen_p90_weeks,
    coalesce(appointment.appointments_12m_count, 0) AS appointments_12m_count,
    coalesce(appointment.was_not_brought_12m_count, 0) AS was_not_brought_12m_count,
    round(100.0 * appointment.was_not_brought_12m_count / nullif(appointment.appointments_12m_count, 0), 1) AS was_not_brought_pct,
    counted.data_as_at
FROM counted
JOIN (SELECT agency_code, max(agency_name) AS agency_name FROM core.source GROUP BY agency_code) AS source USING (agency_code)
LEFT JOIN core.code AS service ON service.list_code IN ('csds_team_type', 'mhsds_team_type') AND service.code = counted.team_type_code
LEFT JOIN appointment USING (agency_code, team_type_code, health_place_code)
