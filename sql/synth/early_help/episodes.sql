-- Grain: one episode of a child. The inspection list has no names, ages in words and organisations as people write them.
SELECT
    row_number() OVER (ORDER BY help.began_on, record.record) AS _row, record.record AS _record, record.person AS _person,
    printf('%08d', scrambled(record.local_number, getvariable('agency'))::BIGINT) AS "Child Unique ID",
    CASE WHEN getvariable('form') <> 'workbook' THEN record.forename END AS "Forename", CASE WHEN getvariable('form') <> 'workbook' THEN record.surname END AS "Surname",
    CASE WHEN getvariable('form') <> 'workbook' THEN record.upn::VARCHAR END AS "UPN", CASE WHEN getvariable('form') <> 'workbook' THEN record.postcode END AS "Postcode",
    CASE record.sex WHEN 'M' THEN 'a) Male' WHEN 'F' THEN 'b) Female' END AS "Gender",
    CASE left(truth.ethnicity, 1) WHEN 'W' THEN 'a) White' WHEN 'M' THEN 'b) Mixed' WHEN 'A' THEN 'c) Asian or Asian British'
        WHEN 'B' THEN 'd) Black or black British' WHEN 'R' THEN 'f) Not stated' ELSE 'e) Other ethnic group' END AS "Ethnicity",
    source_date(record.birth) AS "Date of Birth",
    date_sub('year', record.birth, getvariable('snapshot'))::VARCHAR AS "Age of Child (Years)",
    source_date(help.began_on) AS "Assessment start date", source_date(past(help.assessed_on)) AS "Assessment completion date",
    CASE WHEN getvariable('form') <> 'workbook' THEN source_date(past(help.ended_on)) END AS "Episode end date",
    CASE help.lead WHEN 'SCHOOL' THEN 'Primary school' WHEN 'EARLY_YEARS' THEN 'Nursery' WHEN 'FAMILY_HUB' THEN 'Family hub'
        WHEN 'HEALTH' THEN 'Health visiting' WHEN 'LA' THEN 'Early help team' WHEN 'VOLUNTARY' THEN 'Charity' ELSE 'Other' END
        AS "Organisation completing assessment"
FROM world.family_help AS help
JOIN record USING (person)
JOIN world.person AS truth USING (person)
WHERE help.began_on <= getvariable('snapshot') AND (getvariable('form') <> 'workbook' OR help.began_on > getvariable('snapshot') - INTERVAL 6 MONTH)
