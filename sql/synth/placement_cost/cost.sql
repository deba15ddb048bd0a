-- Grain: provider x type of provision x need x financial year, from the places named in plans. A week in an independent
-- school costs about twice one in the council's own.
WITH priced AS (
    SELECT * FROM (VALUES
        ('special', 'special', 490.0, 0.0, 0.02), ('base', 'specialist_base', 330.0, 0.0, 0.0), ('alternative', 'alternative', 520.0, 0.0, 0.0),
        ('independent_special', 'independent', 1390.0, 0.14, 0.05), ('college', 'post_16', 310.0, 0.02, 0.01)
    ) AS t (placement, provision, weekly, care_share, health_share)
),
placed AS (
    SELECT coalesce(CASE placement.placement WHEN 'college' THEN placement.college END, school.urn) AS provider_code, priced.provision AS provision_type,
        placement.need, priced.*, plan.started_on, plan.ceased_on
    FROM world.placement AS placement
    JOIN priced USING (placement)
    JOIN world.plan_case AS plan USING (case_number)
    LEFT JOIN world.school AS school ON school.school = placement.school
),
held AS (
    SELECT placed.*, year(getvariable('snapshot')) - back AS year, make_date(year(getvariable('snapshot')) - back, 3, 31) AS last_day, back
    FROM placed CROSS JOIN (SELECT unnest([0, 1, 2]) AS back) AS years
),
counted AS (
    SELECT provider_code, provision_type, need, year, any_value(back) AS back, any_value(weekly) AS weekly, any_value(care_share) AS care_share,
        any_value(health_share) AS health_share, count(*) FILTER (ceased_on IS NULL OR ceased_on > last_day) AS placements,
        sum(greatest(0, least(coalesce(ceased_on, last_day), last_day) - greatest(started_on, last_day - 364))) / 7.0 * 39 / 52 AS weeks
    FROM held WHERE started_on <= last_day AND (ceased_on IS NULL OR ceased_on > last_day - 365)
    GROUP BY ALL
),
cost AS (
    SELECT *, round(weeks * weekly * (1 - 0.05 * back) * (85 + (md5_number(provider_code || need) % 35)::INTEGER) / 100.0, 2) AS total FROM counted
)
SELECT
    row_number() OVER (ORDER BY year, provider_code, provision_type, need) AS _row, provider_code, provision_type, need, year::VARCHAR AS year,
    placements::VARCHAR AS placements, printf('%.1f', weeks) AS weeks, printf('%.2f', total) AS total_cost_gbp,
    printf('%.2f', round(total * care_share, 2)) AS social_care_gbp,
    printf('%.2f', total - round(total * care_share, 2) - round(total * health_share, 2)) AS education_gbp,
    printf('%.2f', round(total * health_share, 2)) AS health_gbp, CASE WHEN provision_type = 'independent' THEN 'false' ELSE 'true' END AS is_in_area
FROM cost WHERE weeks > 0
