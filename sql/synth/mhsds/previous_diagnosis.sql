-- Grain: a diagnosis from the history of a patient.
SELECT
    row_number() OVER (ORDER BY mpi._row, need.need) AS _row, mpi._person, mpi."LocalPatientID", getvariable('scheme') AS "DiagSchemeInUse",
    CASE getvariable('scheme') WHEN '02' THEN coding.icd10 ELSE coding.snomed END AS "PrevDiag",
    strftime(after_birth(person.birth, 900), '%Y-%m-%dT09:00:00') AS "CodedDiagTimestamp"
FROM mpi
JOIN world.person AS person ON person.person = mpi._person
JOIN world.need AS need ON need.person = mpi._person
JOIN world.health_code AS coding USING (need)
WHERE mpi._record % 3 = 0 AND after_birth(person.birth, 900) <= getvariable('snapshot')
