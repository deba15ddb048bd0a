-- Grain: one person with a request, an assessment or a plan.
SELECT
    row_number() OVER (ORDER BY key) AS _row, record AS _record, person AS _person, key AS persontableid,
    getvariable('la_code') AS "NativeId", row_number() OVER (ORDER BY key)::VARCHAR AS personorderseqcolumn, sen2.sourceid,
    sen2.sen2tableid, record.surname, record.forename, blade_date(record.birth) AS personbirthdate, record.sex, truth.ethnicity,
    record.postcode, record.upn, record.uln AS uniquelearnernumber,
    CASE WHEN record.upn IS NULL AND record.uln IS NULL THEN CASE WHEN record.has_upn THEN 'UN8' ELSE 'UN1' END END AS upnunknown
FROM (SELECT *, export_key(record, 'person') AS key FROM record) AS record
JOIN world.person AS truth USING (person)
CROSS JOIN sen2
WHERE record.record IN (SELECT record FROM case_now)
