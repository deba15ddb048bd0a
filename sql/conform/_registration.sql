-- Lookup: each registration in each school census, on roll or left, under a reference that outlives the export's keys.
-- Key: submission_key, table_id. Owner: education data team.
-- A registration is the record, the school and the day of entry. An export may use a key again in the next term, so that
-- rows are tied within one submission only. Of two rows of one registration the one on roll stands, then the later row.
WITH school AS (
    SELECT submission_key, nativeid, max(urn) AS provider_urn FROM school_census__schoolcensus GROUP BY ALL
),
pupil AS (
    SELECT agency_code, dataset_code, submission_key, record_pseudonym, source_row, pupilonrolltableid AS table_id, nativeid,
        enrolstatus, ncyearactual AS nc_year, entrydate, NULL::DATE AS leavingdate, termlysessionspossible, TRUE AS is_on_roll
    FROM school_census__pupilonroll
    UNION ALL
    SELECT agency_code, dataset_code, submission_key, record_pseudonym, source_row, pupilnolongeronrolltableid, nativeid,
        NULL, ncyearleaving, entrydate, leavingdate, termlysessionspossible, FALSE
    FROM school_census__pupilnolongeronroll
)
SELECT
    pupil.*, school.provider_urn, census_day.census_day, is_on_roll AND is_newest_census AS is_current,
    md5(concat_ws('|', pupil.record_pseudonym, coalesce(pupil.nativeid, ''), coalesce(pupil.entrydate::VARCHAR, ''))) AS enrolment_ref,
    row_number() OVER (
        PARTITION BY pupil.agency_code, pupil.dataset_code, enrolment_ref, census_day.census_day
        ORDER BY NOT is_on_roll, pupil.source_row DESC
    ) = 1 AS stands
FROM pupil
JOIN census_day USING (submission_key)
LEFT JOIN school USING (submission_key, nativeid)
WHERE pupil.record_pseudonym IS NOT NULL
