-- Grain: one care leaver in one year: in touch, activity, accommodation.
-- Key: agency_code, dataset_code, record_pseudonym, observed_on. Owner: social care data team.
-- Activity and accommodation 0 are not recorded; of accommodation the last character says whether it suits.
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, period_end AS observed_on, in_touch AS contact_code,
    nullif(activ, '0') AS activity_code, nullif(accom, '0') AS accommodation_code,
    CASE right(accom, 1) WHEN '1' THEN TRUE WHEN '2' THEN FALSE END AS is_suitable_accommodation
FROM ssda903__oc3
WHERE record_pseudonym IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY agency_code, dataset_code, record_pseudonym, period_end ORDER BY source_row) = 1
