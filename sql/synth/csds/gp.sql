-- Grain: the practice of a patient: one of those near the home.
SELECT row_number() OVER (ORDER BY mpi._row) AS _row, mpi._person, mpi."LocalPatientID", practice_of(person.lsoa) AS "OrgID_GP",
    source_date(after_birth(person.birth, 40)) AS "GPRegistration_StartDate", NULL::VARCHAR AS "GPRegistration_EndDate"
FROM mpi JOIN world.person AS person ON person.person = mpi._person
