-- Grain: the formal waiting period of a referral to a team led by consultants.
SELECT
    row_number() OVER (ORDER BY laid._row) AS _row, laid._person, laid."ServiceRequestID", NULL::VARCHAR AS "BookingReference",
    NULL::VARCHAR AS "PatientPathwayID", NULL::VARCHAR AS "PatientPathwayID_OrgID", '02' AS "WaitingTime_MeasurementType",
    source_date(open_referral.received_on) AS "RTT_StartDate", NULL::VARCHAR AS "RTT_StartTime",
    CASE WHEN open_referral.seen_on <= getvariable('snapshot') THEN source_date(open_referral.seen_on) END AS "RTT_EndDate",
    NULL::VARCHAR AS "RTT_EndTime", CASE WHEN open_referral.seen_on <= getvariable('snapshot') THEN '30' ELSE '20' END AS "RTT_Status"
FROM referral AS laid JOIN open_referral ON open_referral.referral = laid._referral
WHERE open_referral.is_consultant_led AND open_referral.rejected_on IS NULL
