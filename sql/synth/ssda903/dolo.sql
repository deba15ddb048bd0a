-- Grain: one deprivation of liberty order, of children in no placement that it does not go with.
SELECT
    row_number() OVER (ORDER BY number) AS _row, record AS _record, person AS _person, la_child_id AS "CHILD", dob AS "DOB",
    source_date(greatest(started_on, (getvariable('snapshot') - INTERVAL 150 DAY)::DATE)) AS "DOLO_START", NULL::VARCHAR AS "DOLO_END"
FROM period_now
WHERE is_deprived_of_liberty AND person NOT IN (SELECT person FROM world.care_episode WHERE placement IN ('K1', 'K3', 'P1', 'R5'))
