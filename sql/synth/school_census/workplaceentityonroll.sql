-- Grain: one work placement of a learning aim.
SELECT
    row_number() OVER (ORDER BY _row) AS _row, _person, learningaimsonrolltableid, "NativeId",
    export_key(_row, 'workplaceentityonroll') AS workplaceentityonrolltableid, '1' AS workplaceentityonrollorderseqcolumn, sourceid,
    blade_date(blade_day(learningstartdate) + 20) AS wpstartdate, NULL::VARCHAR AS wpenddate, blade_int(30 + _row % 40) AS wphours, '1' AS wpmode
FROM learningaimsonroll WHERE _row % 2 = 0
