-- Grain: one placement that the school had arranged for a pupil who has left.
SELECT
    row_number() OVER (ORDER BY leaver._row) AS _row, leaver._person, leaver.pupilnolongeronrolltableid, leaver."NativeId",
    export_key(leaver._row, 'schoolarrangedapdetailoffroll') AS schoolarrangedapdetailoffrolltableid,
    '1' AS schoolarrangedapdetailoffrollorderseqcolumn, leaver.sourceid, NULL::VARCHAR AS urn, NULL::VARCHAR AS ukprn,
    blade_date(move.left_on - 40) AS entrydate, blade_date(move.left_on) AS leavingdate, blade_int(4) AS apsessionsperweek,
    'OTH' AS apsettingtype, 'BHS' AS placementreason, leaver._status AS senprovisionentry, leaver._status AS senprovisionleaving,
    'PT' AS apattendancepattern, NULL::VARCHAR AS applacementpostcode, NULL::VARCHAR AS companynumber
FROM pupilnolongeronroll AS leaver JOIN move ON move.person = leaver._person
WHERE move.lot % 4 = 1
