-- Grain: one referral to one type of team.
-- Key: agency_code, dataset_code, referral_ref, team_type_code. Owner: health data team.
-- Clock start: RTT start, else receipt. Clock stop: RTT end with status 30 to 36, else the first contact with the patient
-- that was attended (5 on time, 6 late but seen), not before the start. A referral whose team is not named has team type
-- `unknown`: the referral happened. What has ended stays so, so it is known of to the end of the provider's newest period.
WITH waiting_period AS (
    SELECT agency_code, dataset_code, servicerequestid AS referral_ref, period_end, rtt_startdate AS start_date,
        rtt_enddate AS end_date, rtt_status AS status
    FROM csds__rtt
    UNION ALL
    SELECT agency_code, dataset_code, servicerequestid, period_end, refertotreatperiodstartdate, refertotreatperiodenddate,
        refertotreatperiodstatus
    FROM mhsds__rtt
),
pathway AS (
    SELECT agency_code, dataset_code, referral_ref, min(start_date) AS clock_start,
        min(end_date) FILTER (status BETWEEN '30' AND '36') AS clock_stop
    FROM (
        FROM waiting_period
        QUALIFY rank() OVER (PARTITION BY agency_code, dataset_code, referral_ref ORDER BY period_end DESC) = 1
    )
    GROUP BY ALL
),
referral AS (
    SELECT told.*, coalesce(pathway.clock_start, told.received_date) AS clock_start_date, pathway.clock_stop
    FROM health_referral AS told LEFT JOIN pathway USING (agency_code, dataset_code, referral_ref)
),
first_seen AS (
    SELECT agency_code, dataset_code, referral_ref, min(contact.contact_date) AS seen_date
    FROM referral JOIN health_contact AS contact USING (agency_code, dataset_code, referral_ref)
    WHERE contact.attendance_code IN ('5', '6') AND contact.is_with_patient AND contact.contact_date >= referral.clock_start_date
    GROUP BY ALL
),
newest AS (
    SELECT agency_code, dataset_code, max(period_end) AS period_end FROM health_referral GROUP BY ALL
)
SELECT
    referral.agency_code, referral.dataset_code, referral.record_pseudonym, referral.submission_key, referral.referral_ref,
    coalesce(team.team_type_code, 'unknown') AS team_type_code, referral.received_date,
    coalesce(team.closed_date, referral.discharge_date) AS closed_date,
    coalesce(team.rejected_date, referral.rejected_date) AS rejected_date, referral.clock_start_date,
    coalesce(referral.clock_stop, first_seen.seen_date) AS clock_stop_date,
    CASE
        WHEN coalesce(team.closed_date, team.rejected_date, referral.discharge_date, referral.rejected_date) <= referral.period_end
            THEN newest.period_end
        ELSE referral.period_end
    END AS observed_to
FROM referral
JOIN newest USING (agency_code, dataset_code)
LEFT JOIN health_team AS team USING (agency_code, dataset_code, referral_ref)
LEFT JOIN first_seen USING (agency_code, dataset_code, referral_ref)
