-- Young people of 16 and 17, and older ones with a plan.
SELECT person, 0 AS identity, 0 AS copy, DATE '2100-01-01' AS first_event FROM world.activity
