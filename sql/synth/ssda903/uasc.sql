-- Grain: one unaccompanied asylum-seeking child.
SELECT
    row_number() OVER (ORDER BY number) AS _row, record AS _record, person AS _person, la_child_id AS "CHILD", sex AS "SEX", dob AS "DOB",
    source_date((source_day(dob) + INTERVAL 18 YEAR)::DATE) AS "DUC"
FROM period_now WHERE is_asylum
