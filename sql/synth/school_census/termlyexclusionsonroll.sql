-- Grain: one suspension or exclusion of the autumn term.
SELECT
    row_number() OVER (ORDER BY pupil._row, suspension.started_on, suspension.sessions) AS _row, pupil._person,
    pupil.pupilonrolltableid, pupil."NativeId", export_key(_row, 'termlyexclusionsonroll') AS termlyexclusionsonrolltableid,
    row_number() OVER (PARTITION BY pupil._row ORDER BY suspension.started_on)::VARCHAR AS termlyexclusionsonrollorderseqcolumn,
    pupil.sourceid, blade_date(suspension.started_on) AS startdate, blade_int(suspension.sessions) AS sessions,
    suspension.reason AS reason1, suspension.second_reason AS reason2, NULL::VARCHAR AS reason3, suspension.category,
    pupil._status AS senprovision
FROM world.suspension AS suspension
JOIN pupilonroll AS pupil ON pupil._person = suspension.person AND pupil._copy = 0
