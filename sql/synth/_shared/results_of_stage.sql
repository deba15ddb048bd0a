-- Lookup: the pupils of the stage and year of the file with their results and schools, in the order of the file.
SELECT
    record.*, result.* EXCLUDE (person, school), school.school_number, school.urn,
    row_number() OVER (ORDER BY school.school_number, record.record) AS number, dfe_reference(record.person) AS reference,
    academic_year(result.year) AS academic_year
FROM record
JOIN world.result AS result ON result.person = record.person AND result.stage = getvariable('stage') AND result.year = year(getvariable('period_end'))
JOIN world.school AS school ON school.school = result.school
