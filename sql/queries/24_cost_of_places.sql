-- question: What do placements cost, in the area and outside it, and which agency pays?
-- asks: L11
-- role: analyst
-- caveats: [Shares leave out rows whose parts do not add up to their cost (rule PLC-127).]
-- columns:
--   provision: Kind of provision
--   is_in_area: Whether the provider lies in the local area
--   year: Financial year, by the March in which it ends
--   placements_count: Placements on the last day of the year
--   weekly_cost_gbp: Cost of one week of placement
--   education_pct: Share of education in the cost
--   social_care_pct: Share of social care in the cost
--   health_pct: Share of health in the cost
WITH cost AS (
    SELECT
        paid.*,
        CASE
            WHEN abs(paid.education_gbp + paid.social_care_gbp + paid.health_gbp - paid.total_cost_gbp) <= 1
                THEN paid.total_cost_gbp
        END AS divided_gbp
    FROM core.placement_cost AS paid
)

SELECT
    coalesce(named.label, cost.provision_code) AS provision,
    cost.is_in_area,
    cost.year,
    sum(cost.placements) AS placements_count,
    round((sum(cost.total_cost_gbp) / nullif(sum(cost.weeks), 0))::numeric, 0) AS weekly_cost_gbp,
    round((100 * sum(cost.education_gbp) FILTER (WHERE cost.divided_gbp > 0) / nullif(sum(cost.divided_gbp), 0))::numeric, 1)
        AS education_pct,
    round((100 * sum(cost.social_care_gbp) FILTER (WHERE cost.divided_gbp > 0) / nullif(sum(cost.divided_gbp), 0))::numeric, 1)
        AS social_care_pct,
    round((100 * sum(cost.health_gbp) FILTER (WHERE cost.divided_gbp > 0) / nullif(sum(cost.divided_gbp), 0))::numeric, 1)
        AS health_pct
FROM cost
LEFT JOIN core.code AS named ON named.list_code = 'provision_type' AND cost.provision_code = named.code
GROUP BY provision, cost.is_in_area, cost.year
ORDER BY weekly_cost_gbp DESC NULLS LAST;
