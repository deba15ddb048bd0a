-- The older pupils, whose way into work or training the data team follows: year 9 and above.
SELECT person, 0 AS identity, 0 AS copy, entered_on AS first_event FROM world.pupil WHERE age >= 13
