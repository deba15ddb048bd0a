-- Grain: one protection plan.
SELECT
    row_number() OVER (ORDER BY number) AS _row, number AS _parent, person AS _person, protected_on::VARCHAR AS "CPPstartDate",
    NULL::VARCHAR AS "CPPendDate", abuse AS "InitialCategoryOfAbuse", abuse AS "LatestCategoryOfAbuse",
    earlier_plans::VARCHAR AS "NumberOfPreviousCPP", NULL::VARCHAR AS "+cp_review"
FROM episode_now WHERE protected_on IS NOT NULL
