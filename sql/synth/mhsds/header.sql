-- Grain: the extract.
SELECT 1 AS _row, '6' AS "DatSetVer", getvariable('ods_code') AS "OrgIDProvider", getvariable('ods_code') AS "OrgIDSubmit",
    'MENTAL' AS "PrimSystemInUse", source_date(date_trunc('month', getvariable('snapshot'))::DATE) AS "ReportingPeriodStartDate",
    source_date(getvariable('snapshot')) AS "ReportingPeriodEndDate", NULL::VARCHAR AS "DateTimeDatSetCreate"
