-- Grain: one address of a child: where it lives as the case system knows it, and where it lived before a move it was told of.
WITH lived AS (
    SELECT held.record, held.person, held.postcode, 1 AS part, coalesce(truth.moved_on, known.known_on) AS began_on, NULL::DATE AS ended_on
    FROM record AS held
    JOIN world.person AS truth USING (person)
    JOIN world.known AS known USING (person)
    WHERE held.postcode IS NOT NULL
    UNION ALL
    SELECT held.record, held.person, truth.former_postcode, 2, truth.moved_on - 800, truth.moved_on
    FROM record AS held
    JOIN world.person AS truth USING (person)
    WHERE held.identity = 0 AND truth.moved_on <= getvariable('snapshot') AND held.postcode = truth.postcode
)
SELECT
    row_number() OVER (ORDER BY ssd_person._row, lived.part) AS _row, lived.record AS _record, lived.person AS _person,
    (8000000 + row_number() OVER (ORDER BY ssd_person._row, lived.part))::VARCHAR AS addr_table_id,
    ssd_person.pers_person_id AS addr_person_id, 'Home' AS addr_address_type,
    strftime(lived.began_on, '%Y-%m-%d 00:00:00') AS addr_address_start_date,
    strftime(lived.ended_on, '%Y-%m-%d 00:00:00') AS addr_address_end_date, lived.postcode AS addr_address_postcode,
    NULL::VARCHAR AS addr_address_json
FROM lived JOIN ssd_person ON ssd_person._record = lived.record
