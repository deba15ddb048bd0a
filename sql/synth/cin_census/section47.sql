-- Grain: one enquiry.
SELECT
    row_number() OVER (ORDER BY number) AS _row, number AS _parent, person AS _person, enquiry_on::VARCHAR AS "S47ActualStartDate",
    (enquiry_on + INTERVAL 21 DAY)::DATE::VARCHAR AS "InitialCPCtarget", conference_on::VARCHAR AS "DateOfInitialCPC",
    CASE WHEN conference_on IS NULL THEN '1' ELSE '0' END AS "ICPCnotRequired"
FROM episode_now WHERE enquiry_on IS NOT NULL
