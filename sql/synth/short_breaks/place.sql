-- Grain: provider x kind x age group x need x financial year. Fewer units are used, and more children wait, where a place
-- has few of them beside its children.
WITH offer AS (
    SELECT * FROM (VALUES
        ('SB01', 'MS', 'overnight', '11-15', 'ASD', 6, 'night', 1300, 412.0, 9), ('SB01', 'MS', 'overnight', '5-10', 'SLD', 4, 'night', 800, 412.0, 5),
        ('SB02', 'NP', 'overnight', '11-15', 'ASD', 5, 'night', 1250, 405.0, 3), ('SB03', 'MS', 'family', '5-10', 'ASD', 14, 'night', 640, 148.0, 6),
        ('SB03', 'MS', 'family', '11-15', 'SEMH', 8, 'night', 350, 155.0, 8), ('SB04', 'NP', 'family', '5-10', 'PD', 6, 'night', 260, 150.0, 1),
        ('SB05', 'MS', 'group', '5-10', 'ASD', 60, 'session', 3900, 46.0, 22), ('SB05', 'MS', 'group', '11-15', 'ASD', 50, 'session', 3100, 46.0, 19),
        ('SB06', 'NP', 'group', '5-10', 'SLCN', 55, 'session', 3600, 44.0, 4), ('SB06', 'NP', 'group', '16-19', 'ASD', 20, 'session', 900, 44.0, 2),
        ('SB07', 'MS', 'home_support', '0-4', 'PMLD', 18, 'hour', 2100, 27.5, 5), ('SB07', 'MS', 'home_support', '5-10', 'PMLD', 22, 'hour', 2900, 27.5, 4),
        ('SB08', 'NP', 'home_support', '5-10', 'PD', 24, 'hour', 3000, 27.0, 1), ('SB09', 'MS', 'day_care', '0-4', 'SLD', 12, 'session', 1500, 61.0, 6),
        ('SB10', 'NP', 'residential_school', '16-19', 'ASD', 5, 'week', 190, 3350.0, 0), ('SB11', 'MS', 'residential_year', '11-15', 'SEMH', 4, 'week', 205, 4890.0, 1),
        ('SB12', 'MS', 'childrens_home', '11-15', 'SEMH', 6, 'week', 300, 5250.0, 2)
    ) AS t (provider_code, health_place, kind, age_group, need, places, unit, units, price, waiting)
),
every_year AS (
    SELECT offer.*, year(getvariable('snapshot')) - back AS year, back,
        0.82 + (md5_number(provider_code || kind || need || back) % 17)::INTEGER / 100.0 AS used_share
    FROM offer CROSS JOIN (SELECT unnest([0, 1, 2]) AS back) AS years
)
SELECT
    row_number() OVER (ORDER BY year, provider_code, kind, age_group, need) AS _row, provider_code, kind, age_group, need, year::VARCHAR AS year,
    greatest(1, round(places * getvariable('scale')::DOUBLE))::INTEGER::VARCHAR AS places, unit,
    greatest(4, round(units * getvariable('scale')::DOUBLE))::INTEGER::VARCHAR AS units_commissioned,
    greatest(3, round(units * getvariable('scale')::DOUBLE * used_share))::INTEGER::VARCHAR AS units_used,
    printf('%.2f', price * (1 - 0.045 * back)) AS unit_price_gbp, round(waiting * getvariable('scale')::DOUBLE)::INTEGER::VARCHAR AS children_waiting, health_place
FROM every_year
