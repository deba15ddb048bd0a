-- Grain: one attendance code of a leaver in the second half of the summer term.
WITH spent AS (
    SELECT leaver.*, unnest([
        {'number': 1, 'code': '/', 'sessions': 40 + (move.lot % 20)::INTEGER}, {'number': 2, 'code': '\', 'sessions': 38 + (move.lot % 20)::INTEGER},
        {'number': 3, 'code': CASE move.lot % 2 WHEN 0 THEN 'I' ELSE 'O' END, 'sessions': 2 + (move.lot % 11)::INTEGER}
    ]) AS code
    FROM pupilnolongeronroll AS leaver JOIN move ON move.person = leaver._person
)
SELECT
    row_number() OVER (ORDER BY _row, code.number) AS _row, _person, pupilnolongeronrolltableid, "NativeId",
    export_key(_row * 64 + code.number, 'summerhalfterm2sessiondetailsoffroll') AS summerhalfterm2sessiondetailsoffrolltableid, code.number::VARCHAR AS summerhalfterm2sessiondetailsoffrollorderseqcolumn,
    sourceid, blade_int(code.sessions) AS sessions, code.code AS attendancereason
FROM spent
