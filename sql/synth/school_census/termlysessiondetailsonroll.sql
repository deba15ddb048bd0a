-- Grain: one attendance code of a pupil in the autumn term.
WITH attended AS (
    SELECT
        session.*, pupil._row AS pupil_row, pupil.pupilonrolltableid, pupil."NativeId", pupil.sourceid,
        row_number() OVER (PARTITION BY pupil._row ORDER BY session.code) AS number
    FROM world.session AS session
    JOIN pupilonroll AS pupil ON pupil._person = session.person AND pupil._copy = 0
)
SELECT
    row_number() OVER (ORDER BY pupil_row, number) AS _row, person AS _person, pupilonrolltableid, "NativeId",
    export_key(pupil_row * 64 + number, 'termlysessiondetailsonroll') AS termlysessiondetailsonrolltableid,
    number::VARCHAR AS termlysessiondetailsonrollorderseqcolumn, sourceid, blade_int(sessions) AS sessions, code AS attendancereason
FROM attended
