-- Grain: one referral to one type of team.
-- Key: agency_code, dataset_code, referral_ref, team_type_code. Owner: health data team.
-- Clock start: RTT start, else receipt. Clock stop: RTT end with status 30 to 36, else the first contact with the patient
-- that was attended (5 on time, 6 late but seen), not before the start. A referral whose team is not named has team type
-- `unknown`: the referral happened.
WITH pathway AS (
    SELECT agency_code, servicerequestid, min(rtt_startdate) AS clock_start,
        min(rtt_enddate) FILTER (rtt_status BETWEEN '30' AND '36') AS clock_stop
    FROM csds__rtt GROUP BY ALL
),
referral AS (
    SELECT
        referral.agency_code, referral.dataset_code, referral.record_pseudonym, referral.submission_key, referral.servicerequestid,
        referral.referralrequest_receiveddate AS received_date, referral.discharge_date, referral.period_end,
        coalesce(pathway.clock_start, referral.referralrequest_receiveddate) AS clock_start_date, pathway.clock_stop
    FROM csds__referral AS referral LEFT JOIN pathway USING (agency_code, servicerequestid)
    WHERE referral.record_pseudonym IS NOT NULL AND referral.servicerequestid IS NOT NULL
        AND referral.referralrequest_receiveddate IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY referral.agency_code, referral.servicerequestid ORDER BY referral.source_row DESC) = 1
),
first_seen AS (
    SELECT referral.agency_code, referral.servicerequestid, min(contact.contact_date) AS seen_date
    FROM referral JOIN csds__care_contact AS contact USING (agency_code, servicerequestid)
    WHERE contact.attendancestatus IN ('5', '6') AND contact.carecontact_subject IS DISTINCT FROM '02'
        AND contact.contact_date >= referral.clock_start_date
    GROUP BY ALL
),
team AS (
    SELECT agency_code, servicerequestid, coalesce(teamtype, 'unknown') AS team_type_code,
        CASE WHEN bool_and(referral_closuredate IS NOT NULL) THEN max(referral_closuredate) END AS closed_date,
        CASE WHEN bool_and(referral_rejectiondate IS NOT NULL) THEN max(referral_rejectiondate) END AS rejected_date
    FROM csds__service_type GROUP BY ALL
)
SELECT
    referral.agency_code, referral.dataset_code, referral.record_pseudonym, referral.submission_key,
    referral.servicerequestid AS referral_ref, coalesce(team.team_type_code, 'unknown') AS team_type_code, referral.received_date,
    coalesce(team.closed_date, referral.discharge_date) AS closed_date, team.rejected_date, referral.clock_start_date,
    coalesce(referral.clock_stop, first_seen.seen_date) AS clock_stop_date, referral.period_end AS observed_to
FROM referral
LEFT JOIN team USING (agency_code, servicerequestid)
LEFT JOIN first_seen USING (agency_code, servicerequestid)
