-- question: How many pupils with a plan are also known to social care, to a therapy, or to both?
-- asks: L4
-- role: commissioner
SELECT
    area_code,
    sets,
    children_count,
    base_count,
    share_pct
FROM partnership.multi_agency_overlap
WHERE (sets = 'ehc_plan' OR sets LIKE 'ehc\_plan+%') AND sets NOT LIKE '%sen\_support%'
ORDER BY area_code, set_size, children_count DESC NULLS LAST;
