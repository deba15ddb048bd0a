-- Grain: one suspension or exclusion of the autumn term.
WITH suspended AS (
    SELECT
        suspension.*, pupil._row AS pupil_row, pupil.pupilonrolltableid, pupil."NativeId", pupil.sourceid, pupil._status,
        row_number() OVER (PARTITION BY pupil._row ORDER BY suspension.started_on, suspension.sessions, suspension.reason) AS number
    FROM world.suspension AS suspension
    JOIN pupilonroll AS pupil ON pupil._person = suspension.person AND pupil._copy = 0
)
SELECT
    row_number() OVER (ORDER BY pupil_row, number) AS _row, person AS _person, pupilonrolltableid, "NativeId",
    export_key(pupil_row * 64 + number, 'termlyexclusionsonroll') AS termlyexclusionsonrolltableid,
    number::VARCHAR AS termlyexclusionsonrollorderseqcolumn, sourceid, blade_date(started_on) AS startdate,
    blade_int(sessions) AS sessions, reason AS reason1, second_reason AS reason2, NULL::VARCHAR AS reason3, category,
    _status AS senprovision
FROM suspended
