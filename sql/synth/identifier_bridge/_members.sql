-- Every child social care knows. Of an adopted child it knows the identity before the adoption.
SELECT known.person, person.is_adopted::INTEGER AS identity, 0 AS copy, known.known_on AS first_event
FROM world.known AS known JOIN world.person AS person USING (person)
