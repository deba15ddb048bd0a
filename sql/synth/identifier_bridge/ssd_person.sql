-- Grain: one child.
SELECT
    row_number() OVER (ORDER BY la_child_id) AS _row, record AS _record, person AS _person, la_child_id AS pers_person_id,
    NULL::VARCHAR AS pers_legacy_id, record.nhs AS pers_common_child_id, record.forename AS pers_forename,
    record.surname AS pers_surname, record.sex AS pers_sex, NULL::VARCHAR AS pers_gender, truth.ethnicity AS pers_ethnicity,
    strftime(record.birth, '%Y-%m-%d 00:00:00') AS pers_dob,
    CASE WHEN record.upn IS NULL THEN CASE WHEN record.has_upn THEN 'UN4' ELSE 'UN1' END END AS pers_upn_unknown,
    NULL::VARCHAR AS pers_send_flag, NULL::VARCHAR AS pers_expected_dob, NULL::VARCHAR AS pers_death_date,
    NULL::VARCHAR AS pers_is_mother, NULL::VARCHAR AS pers_nationality
FROM (SELECT *, printf('%08d', scrambled(local_number, getvariable('agency'))::BIGINT) AS la_child_id FROM record) AS record
JOIN world.person AS truth USING (person)
