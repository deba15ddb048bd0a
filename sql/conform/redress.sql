-- Grain: month x way x stage x subject x outcome.
-- Key: month, kind_code, stage_code, subject_code, outcome_code. Owner: SEND team.
SELECT
    month, kind AS kind_code, stage AS stage_code, subject AS subject_code, outcome AS outcome_code, cases, median_days, submission_key
FROM complaints__redress
WHERE month IS NOT NULL AND kind IS NOT NULL AND stage IS NOT NULL AND subject IS NOT NULL AND outcome IS NOT NULL AND cases IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY month, kind, stage, subject, outcome ORDER BY period_end DESC, agency_code, source_row DESC
) = 1
