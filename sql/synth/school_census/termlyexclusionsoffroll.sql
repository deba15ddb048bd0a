-- Grain: one suspension of a leaver before the move.
WITH suspended AS (
    SELECT
        leaver.*, (move.lot % 9)::INTEGER AS half_days, move.left_on - 21 AS started_on
    FROM pupilnolongeronroll AS leaver JOIN move ON move.person = leaver._person
    WHERE move.lot % 3 = 0
)
SELECT
    row_number() OVER (ORDER BY _row) AS _row, _person, pupilnolongeronrolltableid, "NativeId",
    export_key(_row, 'termlyexclusionsoffroll') AS termlyexclusionsoffrolltableid, '1' AS termlyexclusionsoffrollorderseqcolumn,
    sourceid, blade_date(started_on) AS startdate, blade_int(half_days + 1) AS sessions, 'DB' AS reason1, NULL::VARCHAR AS reason2,
    NULL::VARCHAR AS reason3, 'SUSP' AS category, _status AS senprovision
FROM suspended
