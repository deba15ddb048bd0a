-- question: Which short breaks and residential places are bought, are they used, and who waits for one?
-- asks: L11
-- role: analyst
-- caveats: [Use leaves out rows that tell more than a quarter more than commissioned (rule SHB-132).]
-- columns:
--   kind: Kind of short break or residential place
--   year: Financial year, by the March in which it ends
--   places_count: Places
--   unit: What is counted
--   commissioned_count: Units commissioned in the year
--   used_pct: Units used per 100 commissioned, where the use is told
--   unit_price_gbp: Mean price of a unit, by units commissioned
--   waiting_count: Children assessed and waiting at the end of the year
WITH newest AS (
    SELECT max(year) AS year FROM core.short_break_place
)

SELECT
    coalesce(kind.label, place.kind_code) AS kind,
    place.year,
    sum(place.places) AS places_count,
    coalesce(unit.label, place.unit_code) AS unit,
    sum(place.units_commissioned) AS commissioned_count,
    round(
        100.0 * sum(place.units_used) FILTER (WHERE place.units_used <= 1.25 * place.units_commissioned)
        / nullif(sum(place.units_commissioned) FILTER (WHERE place.units_used <= 1.25 * place.units_commissioned), 0), 1
    ) AS used_pct,
    round((sum(place.unit_price_gbp * place.units_commissioned) / nullif(sum(place.units_commissioned), 0))::numeric, 2)
        AS unit_price_gbp,
    sum(place.children_waiting) AS waiting_count
FROM core.short_break_place AS place
INNER JOIN newest ON place.year = newest.year
LEFT JOIN core.code AS kind ON kind.list_code = 'short_break_kind' AND place.kind_code = kind.code
LEFT JOIN core.code AS unit ON unit.list_code = 'short_break_unit' AND place.unit_code = unit.code
GROUP BY kind.label, place.kind_code, place.year, unit.label, place.unit_code
ORDER BY waiting_count DESC NULLS LAST, kind ASC;
