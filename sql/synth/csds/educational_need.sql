-- Grain: a special educational need that the trust noted; most are not noted.
SELECT DISTINCT ON (mpi._row, need.need) row_number() OVER (ORDER BY mpi._row, need.need) AS _row, mpi._person, mpi."LocalPatientID",
    printf('%02d', 1 + md5_number(need.need) % 12) AS "EducationNeed_Type"
FROM mpi JOIN world.need AS need ON need.person = mpi._person
WHERE mpi._record % 4 = 0 AND need.rank = 1
