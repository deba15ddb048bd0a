-- question: Do children of one health place wait over 18 weeks more often than the others for the same service, whoever runs it?
-- asks: L8
-- role: analyst
-- caveats:
--   - An interval that holds 1 shows no difference; one that does not is no proof of its cause.
--   - Of many services one in twenty shows a difference by chance.
-- columns:
--   service_name: What that type of team is called
--   health_place: Where the child lives
--   waiting_count: Children of the place waiting, at all providers together
--   over_18_weeks_count: Those waiting more than 126 days
--   over_18_weeks_pct: over_18_weeks_count per 100 of waiting_count
--   elsewhere_count: Children of the other places waiting
--   elsewhere_pct: Those of them waiting more than 126 days, per 100
--   ratio: over_18_weeks_pct over elsewhere_pct
--   ratio_low: Lower end of its 95 % interval; empty where a count is nought
--   ratio_high: Upper end of it
WITH place AS (
    SELECT
        team_type_code,
        service_name,
        health_place_code,
        sum(waiting_count)::numeric AS n,
        sum(waiting_over_18_weeks_count)::numeric AS late,
        sum(sum(waiting_count)) OVER services - sum(waiting_count) AS n_else,
        sum(sum(waiting_over_18_weeks_count)) OVER services - sum(waiting_over_18_weeks_count) AS late_else
    FROM mart.health_access
    WHERE health_place_code NOT IN ('ALL', 'unknown')
    GROUP BY team_type_code, service_name, health_place_code
    WINDOW services AS (PARTITION BY team_type_code)
),

measured AS (
    SELECT
        *,
        (late / n) / nullif(late_else / nullif(n_else, 0), 0) AS ratio,
        -- Standard error of the logarithm of a ratio of two shares (Katz and others, 1978).
        CASE WHEN late > 0 AND late_else > 0 THEN sqrt(1 / late - 1 / n + 1 / late_else - 1 / n_else) END AS error
    FROM place
    WHERE n > 0
),

area AS (
    SELECT DISTINCT
        health_place_code,
        health_place_name
    FROM core.dim_geography
)

SELECT
    measured.service_name,
    area.health_place_name AS health_place,
    measured.n AS waiting_count,
    measured.late AS over_18_weeks_count,
    round(100 * measured.late / measured.n, 1) AS over_18_weeks_pct,
    measured.n_else AS elsewhere_count,
    round(100 * measured.late_else / nullif(measured.n_else, 0), 1) AS elsewhere_pct,
    round(measured.ratio, 2) AS ratio,
    round(measured.ratio * exp(-1.96 * measured.error), 2) AS ratio_low,
    round(measured.ratio * exp(1.96 * measured.error), 2) AS ratio_high
FROM measured
INNER JOIN area ON measured.health_place_code = area.health_place_code
ORDER BY ratio_low DESC NULLS LAST, measured.n DESC, measured.service_name ASC, health_place ASC;
