-- Grain: one request to a health profession for advice on a child in an EHC needs assessment.
-- Key: agency_code, dataset_code, advice_ref. Owner: health data team.
-- Six weeks from the receipt of the request (SEND Regulations 2014, regulation 8); a late answer under an exception, or a
-- request taken back, is neither in time nor late.
WITH told AS (
    SELECT *, asked_date + 42 AS six_weeks_on FROM ehc_advice__advice
    WHERE record_pseudonym IS NOT NULL AND advice_id IS NOT NULL AND profession IS NOT NULL AND asked_date IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY agency_code, advice_id ORDER BY period_end DESC, source_row DESC) = 1
)
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, advice_id AS advice_ref, profession AS profession_code, asked_date,
    six_weeks_on AS due_date, returned_date, exception AS exception_code, coalesce(is_withdrawn, FALSE) AS is_withdrawn,
    CASE
        WHEN returned_date <= six_weeks_on THEN TRUE
        WHEN exception IS NOT NULL OR is_withdrawn THEN NULL
        WHEN returned_date > six_weeks_on OR period_end > six_weeks_on THEN FALSE
    END AS is_in_time,
    period_end AS observed_to
FROM told
