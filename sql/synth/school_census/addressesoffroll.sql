-- Grain: one address of a leaver. The postcode is the one that the school holds.
SELECT
    row_number() OVER (ORDER BY leaver._row) AS _row, leaver._record, leaver._person, leaver.pupilnolongeronrolltableid,
    leaver."NativeId", export_key(record.record, 'addressesoffroll') AS addressesoffrolltableid, '1' AS addressesoffrollorderseqcolumn,
    leaver.sourceid, NULL::VARCHAR AS uniquepropertyreferencenumber, record.postcode
FROM pupilnolongeronroll AS leaver JOIN record ON record.record = leaver._record
