-- Places the area can rely on: open places not held by other areas' children, and planned ones times the probability
-- that they open. Grain: need x phase x health place where the place stands x horizon. Owner: sufficiency.
-- A row stands until a later row of the same provider, provision, phase and need; a planned row brings additional
-- places, and is spent once an open row of its year or later stands.
WITH standing AS (
    SELECT DISTINCT ON (h.years, c.provider_urn, c.provision_code, c.phase_code, c.need_code, c.is_planned)
        h.years AS horizon_years, c.*
    FROM generate_series(0, %(horizon)s) AS h (years)
    INNER JOIN core.capacity AS c
        ON c.year <= %(academic_year)s + h.years AND c.provision_code = ANY(%(specialist)s)
    ORDER BY h.years, c.provider_urn, c.provision_code, c.phase_code, c.need_code, c.is_planned, c.year DESC
)

SELECT
    s.need_code, s.phase_code, s.health_place_code, s.horizon_years,
    sum(
        greatest(s.places_commissioned - s.places_held_by_others, 0)
        * CASE WHEN s.is_planned THEN s.delivery_probability ELSE 1 END
    )::float8 AS places
FROM standing AS s
WHERE
    NOT s.is_planned
    OR NOT EXISTS (
        SELECT 1 FROM standing AS o
        WHERE NOT o.is_planned AND o.year >= s.year AND o.horizon_years = s.horizon_years
            AND (o.provider_urn, o.provision_code, o.phase_code, o.need_code)
            = (s.provider_urn, s.provision_code, s.phase_code, s.need_code)
    )
GROUP BY 1, 2, 3, 4;
