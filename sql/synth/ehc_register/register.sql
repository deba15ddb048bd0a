-- Grain: one child known to the EHC team, as the case system holds it. Nothing earlier is shown of a protected child.
SELECT
    row_number() OVER (ORDER BY la_id) AS _row, record AS _record, person AS _person, la_id, record.upn, record.former_upn, record.uln,
    record.surname, record.forename, record.former_surname, source_date(record.birth) AS birth_date, record.sex, record.postcode,
    record.nhs AS nhs_number,
    CASE WHEN record.nhs IS NULL OR record.nhs_state <> 'valid' THEN 'N' WHEN record.record % 20 = 0 THEN 'N' ELSE 'Y' END AS nhs_number_traced,
    status.status, CASE WHEN truth.is_adopted THEN 'Y' ELSE 'N' END AS is_protected
FROM (SELECT *, printf('EHC-%08d', scrambled(local_number, getvariable('agency'))::BIGINT) AS la_id FROM record) AS record
JOIN status USING (person)
JOIN world.person AS truth USING (person)
