-- Grain: one kind of learner support of a pupil after 16.
SELECT
    row_number() OVER (ORDER BY _row) AS _row, _person, pupilonrolltableid, "NativeId",
    export_key(_row, 'learnersupportonroll') AS learnersupportonrolltableid, '1' AS learnersupportonrollorderseqcolumn, sourceid,
    CASE _row % 5 WHEN 0 THEN '55' ELSE '56' END AS supportcode
FROM pupilonroll WHERE ncyearactual IN ('12', '13') AND _row % 3 = 0
