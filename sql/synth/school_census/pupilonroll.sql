-- Grain: one registration of a pupil. Who has not moved yet is at the earlier school; who has left the area is not there.
WITH placed AS (
    SELECT record.*, pupil.* EXCLUDE (person, school, entered_on), move.is_gone,
        coalesce(move.shown_in <= getvariable('census'), FALSE) AS has_moved,
        CASE WHEN record.copy = 1 THEN pupil.second_school WHEN has_moved OR move.person IS NULL THEN pupil.school ELSE move.earlier_school END
            AS school,
        CASE WHEN record.copy = 0 AND has_moved AND move.shown_in > 1 THEN move.left_on + 1 ELSE pupil.entered_on END AS entered_on
    FROM record
    JOIN world.pupil AS pupil USING (person)
    LEFT JOIN move USING (person)
),
named AS (
    SELECT placed.*, school.school_number AS native_id, export_key(placed.record, 'pupilonroll') AS key
    FROM placed JOIN world.school AS school USING (school)
    WHERE NOT (placed.has_moved AND placed.is_gone)
),
active AS (
    SELECT placement.person, any_value(placement.placement) AS placement, any_value(placement.is_resourced) AS is_resourced
    FROM world.placement AS placement JOIN world.plan_case AS plan_case USING (case_number)
    WHERE plan_case.started_on <= getvariable('snapshot')
        AND (plan_case.ceased_on IS NULL OR plan_case.ceased_on > getvariable('snapshot'))
    GROUP BY placement.person
)
SELECT
    row_number() OVER (ORDER BY named.key) AS _row, named.record AS _record, named.person AS _person, named.copy AS _copy,
    named.status AS _status,
    named.key AS pupilonrolltableid, named.native_id AS "NativeId", blade_date(named.birth) AS dob, named.surname, named.forename,
    named.middle AS middlenames, NULL::VARCHAR AS preferredsurname, named.former_surname AS formersurname, named.upn,
    named.former_upn AS formerupn, named.uln AS uniquelearnernumber, named.sex, blade_date(named.entered_on) AS entrydate,
    '1' AS pupilonrollorderseqcolumn, left(export_key(named.school, 'source'), 8) AS sourceid,
    left(export_key(named.school, 'census'), 8) AS schoolcensustableid, NULL::VARCHAR AS hoursatsetting,
    blade_bool(named.record % 3 > 0) AS schoollunchtaken, blade_bool(named.copy = 1) AS parttime,
    blade_bool(named.status = 'E' AND active.placement IN ('special', 'base')) AS topupfunding, NULL::VARCHAR AS unitcontacttime,
    blade_int(named.sessions) AS termlysessionspossible, blade_int(named.sessions // 3) AS summerhalfterm2sessionspossible,
    blade_bool(coalesce(active.placement = 'base' AND NOT active.is_resourced AND named.copy = 0, FALSE)) AS senunitindicator,
    blade_bool(coalesce(active.placement = 'base' AND active.is_resourced AND named.copy = 0, FALSE)) AS resourcedprovisionindicator,
    NULL::VARCHAR AS moveoffrollflag, NULL::VARCHAR AS fundedhours, NULL::VARCHAR AS missingaddress,
    NULL::VARCHAR AS duplicatenotfunded, NULL::VARCHAR AS extendedhours, NULL::VARCHAR AS eligibilitycode,
    NULL::VARCHAR AS dafindicator, person.ethnicity, NULL::VARCHAR AS yssa, NULL::VARCHAR AS servicechild, 'ENG' AS language,
    NULL::VARCHAR AS classtype,
    CASE WHEN named.copy = 1 THEN 'S' WHEN named.second_school >= 0 THEN 'M' ELSE 'C' END AS enrolstatus,
    NULL::VARCHAR AS boarder, NULL::VARCHAR AS plaa, named.status AS senprovision, named.nc_year AS ncyearactual,
    NULL::VARCHAR AS eyppr, NULL::VARCHAR AS eyppbf, NULL::VARCHAR AS youngcarer
FROM named
JOIN world.person AS person USING (person)
LEFT JOIN active USING (person)
