-- A person with place and groups in words. An analyst sees the school year a person was born in, not the month.
DROP VIEW IF EXISTS core.person_profile;
CREATE VIEW core.person_profile AS
SELECT
    person.person_key, person.birth_month, core.sex_label(person.sex_code) AS sex,
    core.ethnicity_group(person.ethnicity_code) AS ethnicity_group, core.deprivation_fifth(geography.imd_decile) AS deprivation_fifth,
    geography.lsoa21_code, geography.ward_code, geography.health_place_code, geography.lsoa21_code IS NOT NULL AS is_resident,
    person.is_known_to_education, person.is_known_to_social_care, person.is_known_to_health,
    extract(year FROM person.birth_month - interval '8 months')::integer AS born_school_year
FROM core.person LEFT JOIN core.geography USING (lsoa21_code);
COMMENT ON VIEW core.person_profile IS 'Grain: one person, with place and groups in words; no place where the address is unknown or outside the area.';
COMMENT ON COLUMN core.person_profile.born_school_year IS 'The calendar year in which the school year of birth began (September to August).';
