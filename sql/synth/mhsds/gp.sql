-- Grain: the practice of a patient: one of those near the home.
SELECT row_number() OVER (ORDER BY mpi._row) AS _row, mpi._person, mpi."LocalPatientID", practice_of(person.lsoa) AS "GMPReg",
    source_date(after_birth(person.birth, 40)) AS "StartDateGMPRegistration", NULL::VARCHAR AS "EndDateGMPRegistration"
FROM mpi JOIN world.person AS person ON person.person = mpi._person
