-- Some of the children with an open episode of need, or an older one known to social care: those in bought placements.
SELECT person, 0 AS identity, 0 AS copy, DATE '2100-01-01' AS first_event
FROM (
    SELECT person, row_number() OVER (ORDER BY md5_number('bought' || person)) AS place
    FROM (SELECT DISTINCT person FROM world.episode WHERE closed_on IS NULL) AS open_case
)
WHERE place <= greatest(40, round(240 * getvariable('scale')::DOUBLE))
