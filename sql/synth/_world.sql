-- Lookup columns that follow from the population.
ALTER TABLE world.person ADD COLUMN commissioner VARCHAR;
UPDATE world.person SET commissioner = health_place.commissioner
FROM world.health_place AS health_place WHERE health_place.place = person.place;
