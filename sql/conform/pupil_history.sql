-- Grain: a pupil at a school on a day, as a source beside the council's own census says.
-- Key: agency_code, dataset_code, record_pseudonym, observed_on, school_code. Owner: education data team.
-- The day of a past census follows from its term and academic year: first Thursday of October, third of January and May.
-- Where either is not known, the last day of the period.
-- A school that is named by its four digits within the authority has the authority before them, and its number in the
-- register, where the agency's own school census tells both; any other school keeps the number it came with.
WITH census AS (
    SELECT *,
        CASE censusterm
            WHEN 'AUT' THEN make_date(start_year, 10, 1) WHEN 'SPR' THEN make_date(start_year + 1, 1, 1)
            WHEN 'SUM' THEN make_date(start_year + 1, 5, 1)
        END AS first_day
    FROM (
        SELECT *, CASE WHEN len(academicyear) > 4 THEN left(academicyear, 4)::INTEGER END AS start_year FROM giap_census__pupil
    ) AS pupil
),
observed AS (
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, source_row,
        coalesce(first_day + ((11 - isodow(first_day)) % 7 + CASE month(first_day) WHEN 10 THEN 0 ELSE 14 END)::INTEGER, period_end)
            AS observed_on,
        coalesce(laestab, urn, 'not known') AS school_code, urn AS provider_urn, ncyearactual, enrolstatus, senprovision,
        primarysenneedstype AS need, secondarysentype AS second_need, coalesce(everfsm_6, fsmeligible) AS is_free_meals
    FROM census
    UNION ALL
    SELECT
        pupil.agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end,
        coalesce(school_number, pupil.estab), provider_urn, ncyearactual, enrolstatus, senprovision, senneed1, senneed2, fsmeoncensusday
    FROM flat_census__pupil AS pupil
    LEFT JOIN school ON school.agency_code = pupil.agency_code AND school.estab = right(pupil.estab, 4)
        AND pupil.estab IN (school.estab, school.school_number)
)
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, observed_on, school_code, provider_urn, ncyearactual AS nc_year_code,
    enrolstatus AS enrol_status_code,
    CASE WHEN senprovision IN ('E', 'S') THEN 'E' WHEN senprovision IN ('K', 'A', 'P') THEN 'K' WHEN senprovision = 'N' THEN 'N' END
        AS sen_status_code,
    need AS primary_need_code, second_need AS secondary_need_code, is_free_meals
FROM observed
WHERE record_pseudonym IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, record_pseudonym, observed_on, school_code ORDER BY submission_key DESC, source_row DESC
) = 1
