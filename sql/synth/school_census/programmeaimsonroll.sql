-- Grain: one programme of a pupil in the sixth form.
SELECT
    row_number() OVER (ORDER BY pupil._row) AS _row, pupil._person, pupil.pupilonrolltableid, pupil."NativeId",
    export_key(pupil._row, 'programmeaimsonroll') AS programmeaimsonrolltableid, '1' AS programmeaimsonrollorderseqcolumn, pupil.sourceid,
    '6' || lpad((pupil._row % 97 * 311)::VARCHAR, 7, '0') AS qn, '31' AS progtype, blade_date(world_pupil.entered_on + 3) AS programmestartdate,
    blade_date(world_pupil.entered_on + 680) AS programmeplannedenddate, NULL::VARCHAR AS programmeactualenddate,
    '1' AS programmeaimstatus, NULL::VARCHAR AS programmeaimwithdrawalreason
FROM pupilonroll AS pupil JOIN world.pupil AS world_pupil ON world_pupil.person = pupil._person
WHERE pupil.ncyearactual IN ('12', '13') AND pupil._copy = 0
