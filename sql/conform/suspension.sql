-- Grain: one suspension or permanent exclusion.
-- Key: agency_code, dataset_code, suspension_ref (record, first day, category). Owner: education data team.
-- Of pupils on roll and leavers, in all censuses; where two tell of the same one, the newer census, then the later row.
WITH told AS (
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, source_row, startdate, sessions, category, reason1
    FROM school_census__termlyexclusionsonroll
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, source_row, startdate, sessions, category, reason1
    FROM school_census__termlyexclusionsoffroll
)
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key,
    md5(concat_ws('|', record_pseudonym, startdate::VARCHAR, category)) AS suspension_ref,
    startdate AS start_date, sessions, category AS category_code, reason1 AS reason_code
FROM told
WHERE record_pseudonym IS NOT NULL AND startdate IS NOT NULL AND category IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, suspension_ref ORDER BY period_end DESC, source_row DESC, sessions DESC NULLS LAST
) = 1
