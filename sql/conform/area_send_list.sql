-- Grain: one child in the area SEND lists.
-- Key: agency_code, dataset_code, record_pseudonym. Owner: SEND data team.
-- A child in both lists is with the plans; of two rows of one list the later one stands.
WITH listed AS (
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, 'plan' AS list_code, sen_primary_need,
        date_initial_ehc_plan_issued, date_updated_ehc_plan_issued, date_ehc_plan_last_reviewed, elective_home_education, pupil_premium,
        known_to_childrens_social_care, does_the_child_or_young_person_have_a_disability, suspensions, permanent_exclusions, absence
    FROM area_send__list_1
    UNION ALL
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, 'support', sen_primary_need,
        NULL, NULL, NULL, NULL, pupil_premium,
        known_to_childrens_social_care, does_the_child_or_young_person_have_a_disability, suspensions, permanent_exclusions, absence
    FROM area_send__list_2
)
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, list_code, sen_primary_need AS primary_need_code,
    date_initial_ehc_plan_issued AS plan_issued_date, date_updated_ehc_plan_issued AS plan_updated_date,
    date_ehc_plan_last_reviewed AS plan_reviewed_date, elective_home_education = 'yes' AS is_home_educated,
    pupil_premium = 'yes' AS is_pupil_premium, known_to_childrens_social_care = 'yes' AS is_known_to_social_care,
    does_the_child_or_young_person_have_a_disability = 'yes' AS is_disabled, suspensions AS suspension_count,
    permanent_exclusions AS exclusion_count, absence AS absence_pct, period_end AS observed_on
FROM listed
WHERE record_pseudonym IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY list_code, source_row DESC
) = 1
