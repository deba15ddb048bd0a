-- Grain: the formal waiting period of a referral to the neurodevelopment team.
SELECT
    row_number() OVER (ORDER BY laid._row) AS _row, laid._person, laid."ServiceRequestID", NULL::VARCHAR AS "PatPathID",
    '09' AS "WaitTimeMeasureType", NULL::VARCHAR AS "OrgIDPatPathIDIssuer",
    source_date(open_referral.received_on) AS "ReferToTreatPeriodStartDate",
    CASE WHEN open_referral.seen_on <= getvariable('snapshot') THEN source_date(open_referral.seen_on) END AS "ReferToTreatPeriodEndDate",
    CASE WHEN open_referral.seen_on <= getvariable('snapshot') THEN '30' ELSE '20' END AS "ReferToTreatPeriodStatus"
FROM referral AS laid JOIN open_referral ON open_referral.referral = laid._referral
WHERE open_referral.is_consultant_led AND open_referral.rejected_on IS NULL
