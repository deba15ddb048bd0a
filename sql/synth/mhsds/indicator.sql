-- Grain: the indicators of a patient.
SELECT
    row_number() OVER (ORDER BY mpi._row) AS _row, mpi._person, mpi."LocalPatientID", NULL::VARCHAR AS "ConstSuperReqDueToDis",
    NULL::VARCHAR AS "ParentalResp", CASE WHEN mpi._record % 60 = 0 THEN 'Y' ELSE 'N' END AS "YoungCarer",
    CASE WHEN mpi._record % 90 = 0 THEN 'Y' ELSE 'N' END AS "LACStatus", NULL::VARCHAR AS "LACLegalStatus",
    CASE WHEN case_of.person IS NOT NULL THEN '01' END AS "EducationalAssessOutcome", NULL::VARCHAR AS "CPP",
    NULL::VARCHAR AS "ExBAFIndicator", NULL::VARCHAR AS "OffenceHistory", NULL::VARCHAR AS "ProPsychDate",
    NULL::VARCHAR AS "EmerPsychDate", NULL::VARCHAR AS "ManPsychDate", NULL::VARCHAR AS "PsychPrescDate",
    NULL::VARCHAR AS "PsychTreatDate", NULL::VARCHAR AS "ReasonableAdjustmentInd", NULL::VARCHAR AS "IMCARequired",
    NULL::VARCHAR AS "IMHARequired", NULL::VARCHAR AS "IMCAAssigned", NULL::VARCHAR AS "IMHAAssigned",
    CASE WHEN noted.has_disability THEN '1' ELSE 'X' END AS "LDStatus", CASE WHEN noted.has_autism THEN '1' ELSE 'X' END AS "AutismStatus"
FROM mpi
LEFT JOIN (SELECT DISTINCT person FROM world.plan_case WHERE started_on <= getvariable('snapshot')) AS case_of
    ON case_of.person = mpi._person
LEFT JOIN (
    SELECT person, bool_or(need = 'ASD') AS has_autism, bool_or(need IN ('SLD', 'PMLD', 'DS')) AS has_disability
    FROM world.need GROUP BY person
) AS noted ON noted.person = mpi._person
