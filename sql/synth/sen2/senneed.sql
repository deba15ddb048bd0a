-- Grain: one ranked need of a plan in force.
SELECT
    row_number() OVER (ORDER BY active._row, need.rank) AS _row, active._person, active._number,
    export_key(active._number * 2 + need.rank, 'senneed') AS senneedtableid, active."NativeId",
    need.rank::VARCHAR AS senneedorderseqcolumn, active.sourceid, active.requeststableid, active.activeplanstableid, blade_int(need.rank) AS sentyperank,
    need.need AS sentype
FROM activeplans AS active JOIN world.need AS need ON need.person = active._person AND need.kind = 'plan'
