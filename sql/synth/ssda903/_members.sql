-- Children who were in care at some time of the year, or were before and have left. Of one adopted the council holds the
-- identity before the adoption.
SELECT person, identity, 0 AS copy, min(started_on) AS first_event FROM world.care_period GROUP BY ALL
UNION ALL
SELECT person, 0, 0, DATE '2100-01-01' FROM world.care_leaver
