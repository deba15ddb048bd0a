-- Grain: one entry of a pupil after 16.
SELECT
    row_number() OVER (ORDER BY _row) AS _row, _person, pupilonrolltableid, "NativeId",
    export_key(_row, 'learnerfamonroll') AS learnerfamonrolltableid, '1' AS learnerfamonrollorderseqcolumn, sourceid,
    'NLM' AS learnerfamtype, '22' AS learnerfamcode
FROM pupilonroll WHERE ncyearactual IN ('12', '13') AND _row % 4 = 0
