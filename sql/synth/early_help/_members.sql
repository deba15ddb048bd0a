-- Every child with an early help episode.
SELECT person, 0 AS identity, 0 AS copy, min(began_on) AS first_event FROM world.family_help GROUP BY person
