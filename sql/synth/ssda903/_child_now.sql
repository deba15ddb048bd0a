-- Lookup: children in the order of the file, with the number that the council's case system gives them.
SELECT *, printf('%08d', scrambled(local_number, getvariable('agency'))::BIGINT) AS la_child_id,
    row_number() OVER (ORDER BY scrambled(local_number, getvariable('agency'))) AS number
FROM record
