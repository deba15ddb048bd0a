-- Grain: one school's return.
SELECT
    row_number() OVER (ORDER BY school.school) AS _row, left(export_key(school.school, 'census'), 8) AS schoolcensustableid,
    school.school_number AS "NativeId", '1' AS schoolcensusorderseqcolumn, left(export_key(school.school, 'source'), 8) AS sourceid,
    'School Census' AS name, 'SC' AS collection, ['AUT', 'SPR', 'SUM'][getvariable('census')] AS term,
    year(getvariable('snapshot'))::VARCHAR AS year, blade_date(getvariable('snapshot')) AS referencedate, '1' AS serialno, 'S' AS sourcelevel,
    right(school.school_number, 4) AS estab, 'Synthetic' AS softwarecode, blade_date(getvariable('snapshot')) AS datetime,
    NULL::VARCHAR AS release, NULL::VARCHAR AS xversion, getvariable('la_code') AS lea, school.urn
FROM world.school AS school
WHERE EXISTS (SELECT 1 FROM pupilonroll AS pupil WHERE pupil."NativeId" = school.school_number)
