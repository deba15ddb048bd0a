-- Grain: provider x provision x phase x need x January. Places beside the children placed there: too few in one health
-- place, about enough in the other, and not where the needs are.
WITH placed AS (
    SELECT school.urn, school.place, school.lsoa,
        CASE placement.placement
            WHEN 'special' THEN 'special' WHEN 'base' THEN 'specialist_base' WHEN 'independent_special' THEN 'independent'
            WHEN 'alternative' THEN 'alternative'
        END AS provision, placement.phase, placement.need, count(*) AS children
    FROM world.placement AS placement
    JOIN world.plan_case AS plan_case USING (case_number)
    JOIN world.school AS school ON school.school = placement.school
    WHERE placement.placement IN ('special', 'base', 'independent_special', 'alternative')
        AND plan_case.started_on <= getvariable('month_end')
        AND (plan_case.ceased_on IS NULL OR plan_case.ceased_on > getvariable('month_end'))
    GROUP BY ALL
),
sized AS (
    SELECT placed.*,
        children * CASE WHEN provision = 'special' THEN per_child.share * coalesce(of_need.share, 1.0) ELSE 1.0 END AS wanted
    FROM placed
    JOIN world.places_per_child AS per_child USING (place)
    LEFT JOIN world.places_of_need AS of_need ON of_need.need = placed.need
),
existing AS (
    SELECT urn, provision, phase, need, year(getvariable('census_day')) AS year, place, lsoa,
        greatest(1, round(wanted))::INTEGER AS commissioned, FALSE AS is_planned, NULL::DOUBLE AS probability
    FROM sized
),
planned AS (
    SELECT school.urn, 'special' AS provision, planned.phase, planned.need, year(getvariable('census_day')) + planned.after AS year,
        planned.place, school.lsoa, greatest(1, round(planned.places * getvariable('scale')))::INTEGER AS commissioned,
        TRUE AS is_planned, planned.probability
    FROM world.planned_places AS planned
    JOIN (
        SELECT place, max(urn) AS urn, arg_max(lsoa, urn) AS lsoa FROM world.school WHERE kind = 'special' GROUP BY place
    ) AS school USING (place)
),
every_row AS (SELECT * FROM existing UNION ALL SELECT * FROM planned)
SELECT
    row_number() OVER (ORDER BY urn, provision, phase, need, year) AS _row, urn AS provider_urn, provision AS provision_type, phase, need,
    year::VARCHAR AS year, round(commissioned * getvariable('physical_share'))::INTEGER::VARCHAR AS places_physical,
    commissioned::VARCHAR AS places_commissioned,
    CASE WHEN is_planned THEN '0' ELSE floor(commissioned * getvariable('held_share') + 0.3)::INTEGER::VARCHAR END AS places_held_by_others,
    CASE WHEN is_planned THEN 'true' ELSE 'false' END AS is_planned, probability::VARCHAR AS delivery_probability,
    place AS health_place, lsoa AS lsoa21
FROM every_row
