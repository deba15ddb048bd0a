-- Grain: one ranked need of a pupil with a plan or on SEN support.
WITH need AS (
    SELECT pupil._row AS pupil_row, pupil._person, pupil.pupilonrolltableid, pupil."NativeId", pupil.sourceid, need.rank, need.need
    FROM pupilonroll AS pupil
    JOIN world.need AS need
        ON need.person = pupil._person AND need.kind = CASE pupil._status WHEN 'E' THEN 'plan' WHEN 'K' THEN 'support' END
)
SELECT
    row_number() OVER (ORDER BY pupil_row, rank DESC) AS _row, _person, pupilonrolltableid, "NativeId",
    export_key(pupil_row * 2 + rank, 'senneeds') AS senneedstableid, rank::VARCHAR AS senneedsorderseqcolumn, sourceid,
    blade_int(rank) AS sentyperank, need AS sentype
FROM need
