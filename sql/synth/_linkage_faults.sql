-- Grain: one fault of a row of a record table that matching has to live with.
SELECT fault.kind, written.agency, written.dataset, written.period, written.source_row
FROM written JOIN world.fault AS fault USING (record)
ORDER BY written.number, fault.kind, written.source_row
