-- Grain: one attendance code of a pupil in the second half of the summer term; of pupils with a plan only, to keep it short.
WITH spent AS (
    SELECT pupil.*, session.code, (session.sessions + 2) // 3 AS sessions,
        row_number() OVER (PARTITION BY pupil._row ORDER BY session.code) AS number
    FROM pupilonroll AS pupil JOIN world.session AS session ON session.person = pupil._person
    WHERE pupil._copy = 0 AND pupil._status = 'E'
)
SELECT
    row_number() OVER (ORDER BY _row, number) AS _row, _person, pupilonrolltableid, "NativeId",
    export_key(_row * 64 + number, 'summerhalfterm2sessiondetailsonroll') AS summerhalfterm2sessiondetailsonrolltableid,
    number::VARCHAR AS summerhalfterm2sessiondetailsonrollorderseqcolumn, sourceid, blade_int(sessions) AS sessions,
    code AS attendancereason
FROM spent
