-- Grain: one placement that a school arranged with the alternative provider: its pupils who are registered there too.
SELECT
    row_number() OVER (ORDER BY pupil._row) AS _row, pupil._person, pupil.pupilonrolltableid, pupil."NativeId",
    export_key(pupil._row, 'schoolarrangedapdetailonroll') AS schoolarrangedapdetailonrolltableid,
    '1' AS schoolarrangedapdetailonrollorderseqcolumn, pupil.sourceid, provider.urn, NULL::VARCHAR AS ukprn,
    blade_date(getvariable('autumn_day')) AS entrydate, NULL::VARCHAR AS leavingdate, blade_int(4 + pupil._row % 6) AS apsessionsperweek,
    'OTH' AS apsettingtype, 'BHS' AS placementreason, pupil._status AS senprovisionentry, NULL::VARCHAR AS senprovisionleaving,
    'PT' AS apattendancepattern, NULL::VARCHAR AS applacementpostcode, NULL::VARCHAR AS companynumber
FROM pupilonroll AS pupil
JOIN world.pupil AS world_pupil ON world_pupil.person = pupil._person AND world_pupil.second_school >= 0
JOIN world.school AS provider ON provider.school = world_pupil.second_school
WHERE pupil._copy = 0
