-- Grain: the general practice of a child, as one source last knew it.
-- Key: agency_code, dataset_code, record_pseudonym. Owner: health data team.
-- Of several registrations in one period: one that has not ended before one that has, then the one that began last.
WITH told AS (
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, source_row, orgid_gp AS practice,
        gpregistration_startdate AS start_date, gpregistration_enddate AS end_date
    FROM csds__gp
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, source_row, gmpreg, startdategmpregistration,
        enddategmpregistration
    FROM mhsds__gp
    UNION ALL
    SELECT agency_code, dataset_code, record_pseudonym, submission_key, period_end, source_row, gp_practice, NULL, NULL
    FROM provider_demographics__person
)
SELECT agency_code, dataset_code, record_pseudonym, submission_key, practice AS gp_practice_code, start_date, period_end AS observed_on
FROM told WHERE record_pseudonym IS NOT NULL AND practice IS NOT NULL
QUALIFY row_number() OVER (
    PARTITION BY agency_code, dataset_code, record_pseudonym
    ORDER BY period_end DESC, coalesce(end_date <= period_end, FALSE), start_date DESC NULLS LAST, source_row DESC
) = 1
