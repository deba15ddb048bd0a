-- Grain: one diagnosis of a child, by standing and code, as a provider last coded it.
-- Key: agency_code, dataset_code, record_pseudonym, rank_code, scheme_code, diagnosis_code. Owner: health data team.
-- A row that does not name its scheme is judged by the form of the code: ICD-10 (02) begins with a letter, SNOMED CT (06)
-- is a number.
WITH told AS (
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, 'provisional' AS rank_code, diagnosis_scheme AS scheme,
        provisionaldiagnosis AS code, provisionaldiagnosis_date AS day
    FROM csds__provisional_diagnosis
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, 'primary', diagnosis_scheme, primarydiagnosis,
        primarydiagnosis_date
    FROM csds__primary_diagnosis
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, 'secondary', diagnosis_scheme, secondarydiagnosis,
        secondarydiagnosis_date
    FROM csds__secondary_diagnosis
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, 'previous', diagschemeinuse, prevdiag, codeddiagtimestamp
    FROM mhsds__previous_diagnosis
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, 'primary', diagschemeinuse, primdiag, codeddiagtimestamp
    FROM mhsds__primary_diagnosis
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, 'secondary', diagschemeinuse, secdiag, codeddiagtimestamp
    FROM mhsds__secondary_diagnosis
)
SELECT agency_code, dataset_code, record_pseudonym, arg_max(submission_key, period_end) AS submission_key, rank_code,
    coalesce(scheme, CASE WHEN left(code, 1) BETWEEN '0' AND '9' THEN '06' ELSE '02' END) AS scheme_code, code AS diagnosis_code,
    min(day) AS diagnosed_date, max(period_end) AS observed_on
FROM told WHERE record_pseudonym IS NOT NULL AND code IS NOT NULL
GROUP BY agency_code, dataset_code, record_pseudonym, rank_code, scheme_code, diagnosis_code
