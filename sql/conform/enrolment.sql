-- Grain: one registration of a pupil at a school on a census date, with its attendance in the term before.
-- Key: agency_code, dataset_code, enrolment_ref (record, school, day of entry). Owner: education data team.
-- Missed sessions: authorised (C C1 C2 E H I J1 M R S T) and unauthorised (G N O U) absence, as the departments count them.
WITH missed AS (
    SELECT agency_code, pupilonrolltableid, sum(sessions)::INTEGER AS sessions_missed
    FROM school_census__termlysessiondetailsonroll
    WHERE attendancereason IN ('C', 'C1', 'C2', 'E', 'H', 'I', 'J1', 'M', 'R', 'S', 'T', 'G', 'N', 'O', 'U')
    GROUP BY ALL
),
attended AS (SELECT DISTINCT agency_code, pupilonrolltableid FROM school_census__termlysessiondetailsonroll)
SELECT
    pupil.agency_code, pupil.dataset_code, pupil.record_pseudonym, pupil.submission_key,
    md5(concat_ws('|', pupil.record_pseudonym, coalesce(pupil.nativeid, ''), coalesce(pupil.entrydate::VARCHAR, ''))) AS enrolment_ref,
    pupil.nativeid AS school_code, pupil.enrolstatus AS enrol_status_code, pupil.ncyearactual AS nc_year_code,
    pupil.entrydate AS entry_date, pupil.termlysessionspossible AS sessions_possible,
    CASE WHEN attended.pupilonrolltableid IS NOT NULL THEN coalesce(missed.sessions_missed, 0) END AS sessions_missed,
    census_day.census_day AS census_date
FROM school_census__pupilonroll AS pupil
JOIN census_day USING (submission_key)
LEFT JOIN attended USING (agency_code, pupilonrolltableid)
LEFT JOIN missed USING (agency_code, pupilonrolltableid)
WHERE pupil.record_pseudonym IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY pupil.agency_code, pupil.dataset_code, enrolment_ref ORDER BY pupil.source_row DESC) = 1
