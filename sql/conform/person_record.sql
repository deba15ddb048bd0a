-- Grain: one child as one source knows it.
-- Key: agency_code, dataset_code, record_pseudonym. Owner: data team.
-- Several rows of one record (dual registration, a child delivered twice): the last row that says something, column by column,
-- of the newest period first.
WITH address AS (
    SELECT submission_key, pupilonrolltableid, arg_max(lsoa21_code, source_row) AS lsoa21_code
    FROM school_census__addresses GROUP BY ALL
),
last_address AS (
    SELECT submission_key, pupilnolongeronrolltableid, arg_max(lsoa21_code, source_row) AS lsoa21_code
    FROM school_census__addressesoffroll GROUP BY ALL
),
known AS (
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, sex, ethnicity, lsoa21_code
    FROM school_census__pupilonroll LEFT JOIN address USING (submission_key, pupilonrolltableid)
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, sex, ethnicity, lsoa21_code
    FROM school_census__pupilnolongeronroll LEFT JOIN last_address USING (submission_key, pupilnolongeronrolltableid)
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, sex, ethnicity, lsoa21_code
    FROM sen2__person
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, sex, NULL, lsoa21_code
    FROM ehc_register__register
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, gender, ethnicity, NULL
    FROM area_send__list_2
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, gender, ethnicity, NULL
    FROM area_send__list_1
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, sex, ethnicity, NULL
    FROM cin_census__child
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, pers_sex, pers_ethnicity, NULL
    FROM identifier_bridge__ssd_person
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, gender, ethnicity_code, lsoa21_code
    FROM csds__mpi LEFT JOIN nhs_ethnicity ON ethniccategory = nhs_code
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, genderidcode, ethnicity_code, lsoa21_code
    FROM mhsds__mpi LEFT JOIN nhs_ethnicity ON ethniccategory = nhs_code
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, sex, ethnicity_code, lsoa21_code
    FROM provider_demographics__person LEFT JOIN nhs_ethnicity ON ethnic_category = nhs_code
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, sex, NULL, lsoa21_code
    FROM ehc_advice__advice
    UNION ALL
    SELECT child.agency_code, child.dataset_code, child.record_pseudonym, child.submission_key, child.source_row, child.period_end,
        child.birth_month, child.sex, child.ethnic, home.lsoa21_code
    FROM ssda903__header AS child LEFT JOIN home_in_care AS home USING (submission_key, child)
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, gender, NULL, lsoa21_code
    FROM early_help__episodes
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, fsp_sex, NULL, NULL
    FROM giap_eyfsp__profile
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, phonics_sex, NULL, NULL
    FROM giap_phonics__check
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, sex, NULL, NULL
    FROM giap_ks2__result
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, ks4_sex, NULL, NULL
    FROM giap_ks4__result
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, sex, ethnicity, NULL
    FROM giap_census__pupil
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, gender, ethnicity, lsoa21_code
    FROM flat_census__pupil
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, gender, NULL, NULL
    FROM flat_attendance__pupil
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, birth_month, gender, ethnicity, lsoa21_code
    FROM nccis__young_person
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, source_row, period_end, NULL, CASE WHEN gender IN ('M', 'F') THEN gender ELSE 'U' END, ethnic_group, NULL
    FROM pnw_census__placement
)
SELECT
    agency_code, dataset_code, record_pseudonym, arg_max(submission_key, period_end) AS submission_key,
    arg_max(birth_month, (period_end, source_row)) AS birth_month, arg_max(sex, (period_end, source_row)) AS sex_code,
    arg_max(ethnicity, (period_end, source_row)) AS ethnicity_code, arg_max(lsoa21_code, (period_end, source_row)) AS lsoa21_code,
    max(coalesce(census_day, reference_day, period_end)) AS observed_on
FROM known
LEFT JOIN census_day USING (submission_key)
LEFT JOIN day_of_return USING (submission_key)
WHERE record_pseudonym IS NOT NULL
GROUP BY agency_code, dataset_code, record_pseudonym
