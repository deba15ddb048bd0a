-- Column names are paths of elements below the table's own; `+name` is where the rows of that table go.
SELECT
    1 AS _row, NULL::BIGINT AS _parent, 'CIN' AS "CollectionDetails/Collection",
    year(getvariable('snapshot'))::VARCHAR AS "CollectionDetails/Year", getvariable('snapshot')::VARCHAR AS "CollectionDetails/ReferenceDate",
    'L' AS "Source/SourceLevel", getvariable('la_code') AS "Source/LEA", 'Synthetic' AS "Source/SoftwareCode",
    '001' AS "Source/SerialNo", strftime(getvariable('snapshot') + INTERVAL 45 DAY, '%Y-%m-%dT09:00:00') AS "Source/DateTime"
