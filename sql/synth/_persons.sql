-- Grain: one resident, as they truly are.
SELECT
    person_id(person) AS person_id, family, birth AS birth_date, sex, forename, surname, former_surname, postcode, lsoa, place,
    nhs AS nhs_number, CASE WHEN has_upn THEN upn END AS upn, CASE WHEN has_uln THEN uln END AS uln, is_twin, is_adopted, is_opted_out,
    ethnicity, decile AS imd_decile
FROM world.person ORDER BY person
