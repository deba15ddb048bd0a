-- Grain: the return.
SELECT
    1 AS _row, export_key(1, 'sen2') AS sen2tableid, getvariable('la_code') AS "NativeId", '1' AS sen2orderseqcolumn,
    left(export_key(1, 'source'), 8) AS sourceid, 'SEN2' AS collection, year(getvariable('reference_day'))::VARCHAR AS year,
    blade_date(getvariable('reference_day')) AS referencedate, 'L' AS sourcelevel, getvariable('la_code') AS lea,
    'Synthetic' AS softwarecode, '1.3' AS release, '1' AS serialno, blade_date(getvariable('reference_day')) AS datetime,
    'Y' AS dmo, 'Y' AS dco, 'Y' AS dsco
