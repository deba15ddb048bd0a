-- The pupils whom the council looked up: those with a plan or on SEN support.
SELECT person, 0 AS identity, 0 AS copy, entered_on AS first_event FROM world.pupil WHERE status <> 'N'
