-- Grain: one attendance code of a pupil in the autumn term.
SELECT
    row_number() OVER (ORDER BY pupil._row, session.code) AS _row, pupil._person, pupil.pupilonrolltableid, pupil."NativeId",
    export_key(_row, 'termlysessiondetailsonroll') AS termlysessiondetailsonrolltableid,
    row_number() OVER (PARTITION BY pupil._row ORDER BY session.code)::VARCHAR AS termlysessiondetailsonrollorderseqcolumn,
    pupil.sourceid, blade_int(session.sessions) AS sessions, session.code AS attendancereason
FROM world.session AS session
JOIN pupilonroll AS pupil ON pupil._person = session.person AND pupil._copy = 0
