-- Grain: the extract.
SELECT 1 AS _row, '1.6' AS "Version", getvariable('ods_code') AS "OrgID_Provider", getvariable('ods_code') AS "OrgID_Submitter",
    source_date(date_trunc('month', getvariable('snapshot'))::DATE) AS "RP_StartDate", source_date(getvariable('snapshot')) AS "RP_EndDate",
    NULL::VARCHAR AS "FileCreation_DateTime", 'COMMUNITY' AS "PrimarySystem"
