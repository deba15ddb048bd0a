-- Grain: one reason for which a nursery pupil has a funded place.
SELECT
    row_number() OVER (ORDER BY _row) AS _row, _person, pupilonrolltableid, "NativeId",
    export_key(_row, 'fundingbasisitems') AS fundingbasisitemstableid, '1' AS fundingbasisitemsorderseqcolumn, sourceid,
    CASE _row % 3 WHEN 0 THEN 'LAA' WHEN 1 THEN 'ECO' ELSE 'HSD' END AS fundingbasis
FROM pupilonroll WHERE ncyearactual = 'N2' AND _row % 4 = 0
