-- Grain: the activity of a contact that took place.
SELECT
    row_number() OVER (ORDER BY _row) AS _row, _person, printf('CA%010d', _contact) AS "CareActID", "CareContactID",
    "ClinContDurOfCareCont" AS "ClinContactDurOfCareAct", NULL::VARCHAR AS "Procedure", NULL::VARCHAR AS "FindSchemeInUse",
    NULL::VARCHAR AS "Finding", NULL::VARCHAR AS "Observation", NULL::VARCHAR AS "ObsValue",
    NULL::VARCHAR AS "UnitofMeasurement_UCUM"
FROM care_contact WHERE "AttendStatus" IN ('5', '6')
