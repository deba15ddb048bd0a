-- Lookup: the pupils in the order of the file, with school and status in words.
SELECT
    record.*, pupil.status, pupil.nc_year, pupil.entered_on, pupil.sessions, school.school_number AS estab, truth.ethnicity,
    row_number() OVER (ORDER BY school.school_number, record.record) AS number,
    CASE WHEN record.record % 61 = 0 THEN 'Leaver' WHEN pupil.second_school >= 0 THEN 'Current Main' ELSE 'Current' END AS enrolled
FROM record
JOIN world.pupil AS pupil USING (person)
JOIN world.person AS truth USING (person)
JOIN world.school AS school ON school.school = pupil.school
