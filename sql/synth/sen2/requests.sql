-- Grain: one request. The outcome has a date where it is a decision of the activity period.
SELECT
    row_number() OVER (ORDER BY person._row, case_now.received_on, case_now.number) AS _row, person._person,
    case_now.number AS _number, export_key(case_now.number, 'requests') AS requeststableid, person."NativeId",
    row_number() OVER (PARTITION BY person._row ORDER BY case_now.received_on)::VARCHAR AS requestsorderseqcolumn, person.sourceid,
    person.persontableid, blade_date(case_now.received_on) AS receiveddate, case_now.source AS requestsource,
    'False' AS rya,
    CASE WHEN case_now.request_outcome IN ('Y', 'N') THEN blade_date(case_now.decided_on) END AS requestoutcomedate,
    case_now.request_outcome AS requestoutcome,
    blade_bool(case_now.request_outcome = 'N' AND case_now.is_mediated) AS requestmediation,
    blade_bool(case_now.request_outcome = 'N' AND case_now.is_tribunal) AS requesttribunal, NULL::VARCHAR AS exported
FROM case_now JOIN person ON person._record = case_now.record
