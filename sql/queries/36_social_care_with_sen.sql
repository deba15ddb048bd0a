-- question: How many of the children whom social care helps have a plan or SEN support?
-- asks: L10
-- role: commissioner
-- caveats: [Of resident pupils aged 5 to 15; a child whose records could not be linked counts as without.]
-- columns:
--   care: What social care does
--   with_plan_count: Children of children_count with an EHC plan
--   with_plan_pct: with_plan_count per 100 of children_count
--   sen_support_count: Children of children_count on SEN support
--   sen_support_pct: sen_support_count per 100 of children_count
WITH care AS (
    SELECT * FROM (VALUES
        ('early_help', 'Early help', 'ehc_plan+early_help', 'sen_support+early_help'),
        ('cin', 'Child in need', 'ehc_plan+cin', 'sen_support+cin'),
        ('cp_plan', 'Child protection plan', 'ehc_plan+cp_plan', 'sen_support+cp_plan'),
        ('looked_after', 'Looked after', 'ehc_plan+looked_after', 'sen_support+looked_after')
    ) AS list (sets, care, with_plan, with_support)
)

SELECT
    care.care,
    child.children_count,
    plan.children_count AS with_plan_count,
    round(100.0 * plan.children_count / nullif(child.children_count, 0), 1) AS with_plan_pct,
    support.children_count AS sen_support_count,
    round(100.0 * support.children_count / nullif(child.children_count, 0), 1) AS sen_support_pct,
    child.data_as_at
FROM care
INNER JOIN partnership.multi_agency_overlap AS child ON care.sets = child.sets AND child.geographic_level = 'area'
INNER JOIN partnership.multi_agency_overlap AS plan ON care.with_plan = plan.sets AND plan.geographic_level = 'area'
INNER JOIN partnership.multi_agency_overlap AS support
    ON care.with_support = support.sets AND support.geographic_level = 'area'
ORDER BY child.children_count DESC NULLS LAST, care.care ASC;
