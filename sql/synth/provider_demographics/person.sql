-- Grain: one patient of the trust, as its administration knows them. Nothing earlier is shown of a protected child.
SELECT
    row_number() OVER (ORDER BY patient_id) AS _row, record AS _record, person AS _person, patient_id,
    regexp_replace(nhs, '^(...)(...)', '\1 \2 ') AS nhs_number, CASE WHEN nhs IS NULL THEN '03' ELSE '01' END AS nhs_number_status,
    surname, forename, middle AS middle_names, former_surname, source_date(birth) AS birth_date,
    CASE sex WHEN 'M' THEN 'Male' WHEN 'F' THEN 'Female' ELSE 'Unknown' END AS sex, postcode,
    CASE WHEN moved_on <= getvariable('snapshot') AND NOT is_adopted AND postcode <> earlier THEN earlier END AS previous_postcode,
    nhs_ethnicity AS ethnic_category, practice_of(lsoa) AS gp_practice, CASE WHEN is_adopted THEN 'Y' ELSE 'N' END AS is_sensitive
FROM (
    SELECT record.*, truth.nhs_ethnicity, truth.lsoa, truth.is_adopted, truth.moved_on, truth.former_postcode AS earlier,
        printf('%s%08d', getvariable('ods_code'), scrambled(local_number, getvariable('agency'))::BIGINT) AS patient_id
    FROM record JOIN world.person AS truth USING (person)
)
