-- Grain: one row of a record table: whose it is, and what it can be linked to. A record that no latest extract holds is
-- a component of its own.
SELECT
    written.agency, written.dataset, written.period, written.source_row::INTEGER AS source_row, person_id(record.person) AS person_id,
    coalesce(component.component_id, 1000000000 + written.record)::BIGINT AS component_id
FROM written
JOIN world.record AS record USING (record)
LEFT JOIN component USING (record)
ORDER BY written.number, written.source_row
