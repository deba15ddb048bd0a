-- Grain: the activity of a contact that took place.
SELECT
    row_number() OVER (ORDER BY _row) AS _row, _person, printf('8%011d', _contact) AS "CareActivityID", "CareContactID",
    printf('%02d', 1 + _contact % 9) AS "Activity_Type", NULL::VARCHAR AS "CareProfessionalID_Local",
    "CareContact_Duration" AS "CareActivity_Duration", NULL::VARCHAR AS "Procedure_Scheme", NULL::VARCHAR AS "CodedProcedure",
    NULL::VARCHAR AS "Finding_Scheme", NULL::VARCHAR AS "CodedFinding", NULL::VARCHAR AS "Observation_Scheme",
    NULL::VARCHAR AS "CodedObservation", NULL::VARCHAR AS "ObservationValue", NULL::VARCHAR AS "UC_UnitOfMeasurement"
FROM care_contact WHERE "AttendanceStatus" IN ('5', '6')
