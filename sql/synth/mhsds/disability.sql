-- Grain: a disability that the trust recorded.
SELECT row_number() OVER (ORDER BY mpi._row, told.disability) AS _row, mpi._person, mpi."LocalPatientID", told.disability AS "DisabCode",
    printf('%02d', 1 + mpi._record % 3) AS "DisabImpacPercep"
FROM mpi
JOIN (
    SELECT DISTINCT need.person, coding.disability
    FROM world.need AS need JOIN world.health_code AS coding USING (need)
) AS told ON told.person = mpi._person
WHERE mpi._record % 5 < 2
