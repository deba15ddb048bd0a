-- Grain: one measure of a pupil at the end of a stage.
-- Key: agency_code, dataset_code, record_pseudonym, stage_code, year, measure_code. Owner: education data team.
-- The year is that in which the period of the file ends. Of two rows of one pupil the last one counts.
-- Who was absent, did not take part or whose result was set aside did not reach the phonics standard, and counts among the
-- pupils, as the department counts them (phonics screening check attainment, methodology); who left the school does not.
WITH result AS (
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, source_row, 'EYFSP' AS stage_code, period_end, fsp_urn AS school_urn,
        NULL AS sen_status_code, NULL::BOOLEAN AS is_free_meals,
        MAP {
            'good_level_of_development': fsp_gld::DOUBLE,
            'communication_expected': (fsp_com_e01 = '2' AND fsp_com_e02 = '2')::DOUBLE,
            'goals_expected': len(list_filter(
                [fsp_com_e01, fsp_com_e02, fsp_pse_e03, fsp_pse_e04, fsp_pse_e05, fsp_phy_e06, fsp_phy_e07, fsp_lit_e08, fsp_lit_e09,
                    fsp_lit_e10, fsp_mat_e11, fsp_mat_e12, fsp_utw_e13, fsp_utw_e14, fsp_utw_e15, fsp_exp_e16, fsp_exp_e17],
                lambda goal: goal = '2'
            ))::DOUBLE
        } AS measures
    FROM giap_eyfsp__profile
    UNION ALL
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, source_row, 'PHONICS', period_end, phonics_urn, NULL, NULL,
        MAP {
            'phonics_standard': CASE WHEN phonics_phonics_outcome IN ('WA', 'WT', 'A', 'D', 'Q') THEN (phonics_phonics_outcome = 'WA')::DOUBLE END,
            'phonics_mark': phonics_phonics_mark::DOUBLE
        }
    FROM giap_phonics__check
    UNION ALL
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, source_row, 'KS2', period_end, urn, NULL, fsm6,
        MAP {
            'rwm_expected': rwmexp::DOUBLE, 'rwm_higher': rwmhigh::DOUBLE, 'reading_expected': readexp::DOUBLE,
            'writing_expected': writtaexp::DOUBLE, 'maths_expected': matexp::DOUBLE, 'reading_score': readscore::DOUBLE,
            'maths_score': matscore::DOUBLE, 'reading_progress': readprogscore_em, 'writing_progress': writprogscore_em,
            'maths_progress': matprogscore_em
        }
    FROM giap_ks2__result
    UNION ALL
    SELECT
        agency_code, dataset_code, record_pseudonym, submission_key, source_row, 'KS4', period_end, ks4_urn,
        CASE WHEN ks4_sene THEN 'E' WHEN ks4_senk THEN 'K' WHEN ks4_sene IS NOT NULL AND ks4_senk IS NOT NULL THEN 'N' END, ks4_fsm6,
        MAP {
            'attainment_8': ks4_att8, 'progress_8': ks4_p8score, 'grade_4_basics': ks4_l2basics_94::DOUBLE,
            'grade_5_basics': ks4_l2basics_95::DOUBLE
        }
    FROM giap_ks4__result
),
measure AS (
    SELECT * EXCLUDE (measures), unnest(map_keys(measures)) AS measure_code, unnest(map_values(measures)) AS value FROM result
)
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, stage_code, year(period_end) AS year, measure_code,
    value, school_urn, sen_status_code, is_free_meals
FROM measure
WHERE record_pseudonym IS NOT NULL AND value IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, record_pseudonym, stage_code, period_end, measure_code ORDER BY submission_key DESC, source_row DESC
) = 1
