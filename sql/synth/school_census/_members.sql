-- One row per registration: a second one where a pupil is registered at two schools.
SELECT person, 0 AS identity, 0 AS copy, entered_on AS first_event FROM world.pupil
UNION ALL
SELECT person, 0, 1, entered_on FROM world.pupil WHERE second_school >= 0
