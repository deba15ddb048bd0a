-- Grain: one stay of a pupil with the alternative provider.
SELECT
    row_number() OVER (ORDER BY pupil._row) AS _row, pupil._person, pupil.pupilonrolltableid, pupil."NativeId",
    export_key(pupil._row, 'approvisiondetailonroll') AS approvisiondetailonrolltableid, '1' AS approvisiondetailonrollorderseqcolumn,
    pupil.sourceid, NULL::VARCHAR AS prevurn, CASE pupil._row % 3 WHEN 0 THEN 'PEX' WHEN 1 THEN 'EHC' ELSE 'MHN' END AS apreason,
    pupil._status AS senprovisionentry
FROM pupilonroll AS pupil
JOIN world.school AS school ON school.school_number = pupil."NativeId"
WHERE school.kind = 'alternative'
