-- Grain: one plan in force on the day of the extract.
SELECT
    row_number() OVER (ORDER BY requests._row) AS _row, requests._person, requests._number,
    export_key(requests._number, 'activeplans') AS activeplanstableid, requests."NativeId", '1' AS activeplansorderseqcolumn,
    requests.sourceid, requests.requeststableid, NULL::VARCHAR AS transferla,
    CASE WHEN reviewed THEN blade_date(case_now.reviewed_on) END AS reviewmeeting,
    CASE WHEN reviewed THEN CASE case_now.number % 7 WHEN 0 THEN 'A' ELSE 'M' END END AS reviewoutcome,
    NULL::VARCHAR AS reviewdraft, NULL::VARCHAR AS phasetransferduedate, NULL::VARCHAR AS phasetransferfinaldate,
    CASE WHEN reviewed THEN blade_date(case_now.reviewed_on) END AS lastreview,
    CASE case_now.number % 40 WHEN 0 THEN 'A' END AS res, NULL::VARCHAR AS wbp
FROM (
    SELECT *, reviewed_on > started_on + INTERVAL 180 DAY AND reviewed_on <= getvariable('snapshot') AS reviewed FROM case_now
) AS case_now
JOIN requests ON requests._number = case_now.number
WHERE case_now.is_started AND NOT case_now.is_ceased
