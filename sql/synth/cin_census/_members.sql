-- Every child with an episode of need in the year.
SELECT person, 0 AS identity, 0 AS copy, min(referred_on) AS first_event FROM world.episode GROUP BY person
