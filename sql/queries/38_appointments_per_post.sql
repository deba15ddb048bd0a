-- question: How many appointments does each service keep for each whole-time post?
-- asks: L7
-- role: analyst
-- caveats:
--   - All providers together. A referral to two types of team counts its appointments in both.
--   - Posts are the median of the last twelve months told, so that one mistyped month does not move them.
-- columns:
--   service: The service
--   in_post_wte: Staff in post, whole-time equivalents
--   attended_count: Appointments with the patient in 12 months that were attended
--   attended_per_wte: attended_count over in_post_wte
WITH month AS (
    SELECT
        service_code,
        month,
        sum(wte_in_post) AS in_post,
        dense_rank() OVER (PARTITION BY service_code ORDER BY month DESC) AS months_back
    FROM core.staff_in_post
    GROUP BY service_code, month
),

post AS (
    SELECT
        service_code,
        (percentile_cont(0.5) WITHIN GROUP (ORDER BY in_post))::numeric AS in_post
    FROM month
    WHERE months_back <= 12
    GROUP BY service_code
),

attended AS (
    SELECT
        team_type_code,
        service_name,
        sum(appointments_12m_count - was_not_brought_12m_count) AS attended
    FROM mart.health_access
    WHERE health_place_code = 'ALL'
    GROUP BY team_type_code, service_name
)

SELECT
    attended.service_name AS service,
    round(post.in_post, 1) AS in_post_wte,
    attended.attended AS attended_count,
    round(attended.attended / nullif(post.in_post, 0), 0) AS attended_per_wte
FROM attended
INNER JOIN post ON attended.team_type_code = post.service_code
ORDER BY attended_per_wte DESC NULLS LAST, service ASC;
