-- Grain: one learning aim of a programme, its core aim.
SELECT
    _row, _person, programmeaimsonrolltableid, "NativeId", export_key(_row, 'learningaimsonroll') AS learningaimsonrolltableid,
    '1' AS learningaimsonrollorderseqcolumn, sourceid, qn, programmestartdate AS learningstartdate,
    programmeplannedenddate AS learningplannedenddate, NULL::VARCHAR AS learningactualenddate, 'True' AS coreaim,
    NULL::VARCHAR AS partnerukprn, '1' AS learningaimstatus, NULL::VARCHAR AS learningaimwithdrawalreason, NULL::VARCHAR AS scc,
    NULL::VARCHAR AS progtype
FROM programmeaimsonroll
