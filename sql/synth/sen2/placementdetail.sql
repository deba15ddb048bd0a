-- Grain: the placement of a plan in force. It began with the plan or with the phase, whichever is later.
SELECT
    row_number() OVER (ORDER BY active._row) AS _row, active._person, active._number,
    export_key(active._number, 'placementdetail') AS placementdetailtableid, active."NativeId", '1' AS placementdetailorderseqcolumn,
    active.sourceid, active.requeststableid, active.activeplanstableid, place.urn, place.ukprn, place.sensetting, NULL::VARCHAR AS sensettingother,
    blade_int(1) AS placementrank,
    blade_date(
        CASE WHEN place.phase_started BETWEEN place.started_on AND getvariable('snapshot') THEN place.phase_started ELSE place.started_on END
    ) AS entrydate,
    NULL::VARCHAR AS leavingdate, CASE active._number % 40 WHEN 0 THEN 'A' END AS res, NULL::VARCHAR AS wbp, 'FT' AS attendancepattern, blade_bool(place.is_unit) AS senunitindicator,
    blade_bool(place.is_resourced) AS resourcedprovisionindicator
FROM activeplans AS active JOIN place ON place.number = active._number
