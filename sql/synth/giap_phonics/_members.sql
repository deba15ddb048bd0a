-- Everybody with a result of this stage, in any year.
SELECT DISTINCT person, 0 AS identity, 0 AS copy, DATE '2100-01-01' AS first_event FROM world.result WHERE stage = 'PHONICS'
