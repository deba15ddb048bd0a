-- Lookup columns that follow from the population.
ALTER TABLE world.person ADD COLUMN commissioner VARCHAR;
UPDATE world.person SET commissioner = health_place.commissioner
FROM world.health_place AS health_place WHERE health_place.place = person.place;
-- How health codes a need: disability, and a diagnosis in SNOMED CT and in ICD-10.
CREATE TABLE world.health_code AS FROM (VALUES
    ('ASD', '04', '35919005', 'F84.0'), ('HI', '02', '15188001', 'H90.5'), ('VI', '09', '397540003', 'H54.9'),
    ('PD', '05', '128188000', 'G80.9'), ('SLCN', '10', '229721007', 'F80.9'), ('SEMH', '01', '406506008', 'F90.0'),
    ('SLD', '04', '110359009', 'F72.9'), ('PMLD', '07', '110359009', 'F73.9'), ('DS', '04', '41040004', 'Q90.9')
) AS codes (need, disability, snomed, icd10);
