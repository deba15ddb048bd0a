-- Grain: one registration that ended since the census before.
SELECT
    row_number() OVER (ORDER BY move.left_on, record.record) AS _row, record.record AS _record, record.person AS _person,
    pupil.status AS _status,
    export_key(record.record, 'pupilnolongeronroll') AS pupilnolongeronrolltableid, school.school_number AS "NativeId",
    blade_date(record.birth) AS dob, record.surname, record.forename, record.middle AS middlenames,
    record.former_surname AS formersurname, record.upn, record.former_upn AS formerupn, record.uln AS uniquelearnernumber, record.sex,
    blade_date(move.entered_before) AS entrydate, blade_date(move.left_on) AS leavingdate,
    '1' AS pupilnolongeronrollorderseqcolumn, left(export_key(school.school, 'source'), 8) AS sourceid,
    left(export_key(school.school, 'census'), 8) AS schoolcensustableid, 'False' AS parttime,
    blade_int(pupil.sessions - (move.lot % 40)::INTEGER) AS termlysessionspossible, NULL::VARCHAR AS moveonrollflag, person.ethnicity,
    NULL::VARCHAR AS boarder, 'ENG' AS language, CASE move.shown_in WHEN 1 THEN '6' ELSE pupil.nc_year END AS ncyearleaving
FROM move
JOIN record ON record.person = move.person AND record.copy = 0
JOIN world.pupil AS pupil ON pupil.person = move.person
JOIN world.person AS person ON person.person = move.person
JOIN world.school AS school ON school.school = move.earlier_school
WHERE move.shown_in = getvariable('census')
