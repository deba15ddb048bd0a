-- About three quarters of the children looked after: those in placements bought from others.
SELECT DISTINCT person, 0 AS identity, 0 AS copy, DATE '2100-01-01' AS first_event
FROM world.care_period
WHERE kind = 'open' AND (md5_number('bought' || person) % 100 < 75 OR person = getvariable('canary_person'))
