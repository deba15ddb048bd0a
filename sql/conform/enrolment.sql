-- Grain: one registration of a pupil at a school in one census, with its attendance in the term before.
-- Key: agency_code, dataset_code, enrolment_ref (record, school, day of entry), census_date. Owner: education data team.
-- Missed sessions: authorised and unauthorised absence, as the departments count them.
WITH attended AS (
    SELECT submission_key, pupilonrolltableid AS table_id, attendancereason, sessions FROM school_census__termlysessiondetailsonroll
    UNION ALL
    SELECT submission_key, pupilnolongeronrolltableid, attendancereason, sessions FROM school_census__termlysessiondetailsoffroll
),
missed AS (
    SELECT submission_key, table_id,
        coalesce(sum(sessions) FILTER (group_code IN ('authorised', 'unauthorised')), 0)::INTEGER AS sessions_missed
    FROM attended LEFT JOIN attendance_group USING (attendancereason)
    GROUP BY submission_key, table_id
)
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, enrolment_ref, nativeid AS school_code, provider_urn,
    enrolstatus AS enrol_status_code, nc_year AS nc_year_code, entrydate AS entry_date, leavingdate AS leaving_date,
    termlysessionspossible AS sessions_possible, missed.sessions_missed, census_day AS census_date, is_current, is_on_roll
FROM registration LEFT JOIN missed USING (submission_key, table_id)
WHERE stands
