-- Grain: one child in need plan.
SELECT
    row_number() OVER (ORDER BY number) AS _row, number AS _parent, person AS _person, plan_on::VARCHAR AS "CINPlanStartDate",
    closed_on::VARCHAR AS "CINPlanEndDate"
FROM episode_now WHERE plan_on IS NOT NULL
