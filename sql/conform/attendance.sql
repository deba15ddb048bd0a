-- Grain: registration x census x part of the year before it x group of attendance codes.
-- Key: agency_code, dataset_code, enrolment_ref, census_date, part_code, group_code. Owner: education data team.
WITH spent AS (
    SELECT submission_key, pupilonrolltableid AS table_id, 'term' AS part_code, attendancereason, sessions
    FROM school_census__termlysessiondetailsonroll
    UNION ALL
    SELECT submission_key, pupilnolongeronrolltableid, 'term', attendancereason, sessions
    FROM school_census__termlysessiondetailsoffroll
    UNION ALL
    SELECT submission_key, pupilonrolltableid, 'summer_2', attendancereason, sessions
    FROM school_census__summerhalfterm2sessiondetailsonroll
    UNION ALL
    SELECT submission_key, pupilnolongeronrolltableid, 'summer_2', attendancereason, sessions
    FROM school_census__summerhalfterm2sessiondetailsoffroll
)
SELECT
    registration.agency_code, registration.dataset_code, registration.record_pseudonym, submission_key, registration.enrolment_ref,
    registration.census_day AS census_date, spent.part_code, attendance_group.group_code, sum(spent.sessions)::INTEGER AS sessions
FROM registration
JOIN spent USING (submission_key, table_id)
JOIN attendance_group USING (attendancereason)
WHERE registration.stands AND spent.sessions IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT
    agency_code, dataset_code, record_pseudonym, max(submission_key), md5(concat_ws('|', record_pseudonym, coalesce(estab, ''))),
    period_end, 'term', group_code, sum(sessions)::INTEGER
FROM flat_session
JOIN attendance_group USING (attendancereason)
GROUP BY agency_code, dataset_code, record_pseudonym, estab, period_end, group_code
