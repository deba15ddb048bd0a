-- question: How many appeals are there for each decision that can be appealed against?
-- asks: L9
-- role: analyst
-- caveats: [Plans that ceased since the needs were met can be appealed against too and are not counted.]
-- columns:
--   appeals_count: Appeals registered in the 12 months to the last month of the register
--   refused_count: Refusals to assess in 12 months
--   not_issued_count: Refusals to issue a plan in 12 months
--   plans_count: Children with a plan in force
--   appeals_pct: appeals_count per 100 of the three together
WITH decision AS (
    SELECT
        process.refused_count,
        process.assessed_count - process.issued_count AS not_issued_count,
        plan.children_count AS plans_count
    FROM mart.ehc_process AS process
    INNER JOIN mart.needs_prevalence AS plan
        ON
            plan.base = 'residents_0_25' AND plan.measure = 'ehc_plan' AND plan.geographic_level = 'area'
            AND plan.breakdown_topic = 'Total'
    WHERE process.period_type = '12_months'
),

appeal AS (
    SELECT coalesce(sum(cases), 0) AS appeals_count
    FROM core.redress
    WHERE
        kind_code = 'appeal' AND stage_code = 'lodged'
        AND month > (SELECT max(register.month) FROM core.redress AS register) - interval '12 months'
)

SELECT
    appeal.appeals_count,
    decision.refused_count,
    decision.not_issued_count,
    decision.plans_count,
    round(
        100.0 * appeal.appeals_count / nullif(decision.refused_count + decision.not_issued_count + decision.plans_count, 0), 1
    ) AS appeals_pct
FROM appeal
CROSS JOIN decision;
