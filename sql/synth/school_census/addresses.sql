-- Grain: one address of a registration. The postcode is the one that the school holds.
SELECT
    row_number() OVER (ORDER BY pupil._row) AS _row, pupil._record, pupil._person,
    pupil.pupilonrolltableid, pupil."NativeId", export_key(record.record, 'addresses') AS addressestableid,
    '1' AS addressesorderseqcolumn, pupil.sourceid, NULL::VARCHAR AS saon, (1 + record.record % 140)::VARCHAR AS paon,
    'Long Mere Road' AS street, NULL::VARCHAR AS locality, 'Merebrook' AS town, NULL::VARCHAR AS administrativearea,
    'Merebrook' AS posttown, NULL::VARCHAR AS uniquepropertyreferencenumber, record.postcode
FROM pupilonroll AS pupil JOIN record ON record.record = pupil._record
