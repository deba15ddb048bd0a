-- Grain: one identifier of another agency held for a child.
WITH held AS (
    SELECT record, person, 'Unique Pupil Number' AS kind, upn AS value, 1 AS rank FROM record WHERE upn IS NOT NULL
    UNION ALL
    SELECT record, person, 'Former Unique Pupil Number', former_upn, 2 FROM record WHERE former_upn IS NOT NULL
    UNION ALL
    SELECT record, person, 'NHS Number', nhs, 3 FROM record WHERE nhs IS NOT NULL AND record % 3 = 0
)
SELECT
    row_number() OVER (ORDER BY ssd_person._row, held.rank) AS _row, held.record AS _record, held.person AS _person, held.rank AS _rank,
    (7000000 + row_number() OVER (ORDER BY ssd_person._row, held.rank))::VARCHAR AS link_table_id,
    ssd_person.pers_person_id AS link_person_id, held.kind AS link_identifier_type, held.value AS link_identifier_value,
    strftime(known.known_on, '%Y-%m-%d 00:00:00') AS link_valid_from_date, NULL::VARCHAR AS link_valid_to_date
FROM held
JOIN ssd_person ON ssd_person._record = held.record
JOIN world.known AS known ON known.person = held.person
