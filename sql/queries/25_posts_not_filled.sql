-- question: Which health services have posts that nobody fills, and is that getting better?
-- asks: L7
-- role: analyst
-- caveats: [Posts of which only one of the two numbers is told do not count.]
-- columns:
--   provider_code: The provider
--   service: The service
--   month: First day of the last month told of
--   funded_wte: Posts paid for in that month, whole-time equivalents
--   in_post_wte: Staff in post in that month, whole-time equivalents
--   filled_pct: in_post_wte per 100 of funded_wte
--   first_month: First day of the first month told of
--   filled_first_pct: The same in that month
WITH filled AS (
    SELECT
        provider_code,
        service_code,
        month,
        sum(wte_funded) AS funded,
        sum(wte_in_post) AS in_post,
        100 * sum(wte_in_post) / nullif(sum(wte_funded), 0) AS pct,
        min(month) OVER services AS first_month,
        max(month) OVER services AS last_month
    FROM core.staff_in_post
    WHERE wte_funded IS NOT NULL
    GROUP BY provider_code, service_code, month
    WINDOW services AS (PARTITION BY provider_code, service_code)
)

SELECT
    latest.provider_code,
    coalesce(named.label, latest.service_code) AS service,
    latest.month,
    round(latest.funded::numeric, 1) AS funded_wte,
    round(latest.in_post::numeric, 1) AS in_post_wte,
    round(latest.pct::numeric, 1) AS filled_pct,
    latest.first_month,
    round(earliest.pct::numeric, 1) AS filled_first_pct
FROM filled AS latest
INNER JOIN filled AS earliest
    ON
        latest.provider_code = earliest.provider_code AND latest.service_code = earliest.service_code
        AND earliest.month = latest.first_month
LEFT JOIN core.code AS named
    ON named.list_code IN ('csds_team_type', 'mhsds_team_type') AND latest.service_code = named.code
WHERE latest.month = latest.last_month
ORDER BY filled_pct ASC NULLS LAST, latest.provider_code ASC, service ASC;
