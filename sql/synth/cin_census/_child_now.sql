-- Lookup: children who had been referred by the day of the extract, in the order of the file.
SELECT *, printf('%08d', scrambled(local_number, getvariable('agency'))::BIGINT) AS la_child_id,
    row_number() OVER (ORDER BY scrambled(local_number, getvariable('agency'))) AS number
FROM record
WHERE person IN (SELECT person FROM world.episode WHERE referred_on <= getvariable('snapshot'))
