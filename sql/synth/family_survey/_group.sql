-- Lookup: who was asked in spring (S) and autumn (A), by health place, and how many answered. Families of one health
-- place are less content.
SELECT
    'FAM' || right(year(getvariable('period_end'))::VARCHAR, 2) || wave AS survey, respondent_group, health_place,
    greatest(12, round(families * share * getvariable('scale')::DOUBLE))::INTEGER AS invited,
    greatest(6, round(families * share * getvariable('scale')::DOUBLE * rate))::INTEGER AS returned, mood + of_place + of_wave AS mood
FROM (
    VALUES ('parents_plan', 3200, 0.19, -0.25), ('parents_support', 5200, 0.09, 0.10), ('parents_other', 2600, 0.05, 0.35),
        ('young_people', 900, 0.11, 0.30)
) AS asked (respondent_group, families, rate, mood)
CROSS JOIN (VALUES ('MS', 0.58, -0.20), ('NP', 0.42, 0.15)) AS place (health_place, share, of_place)
CROSS JOIN (VALUES ('S', 0.0), ('A', 0.06)) AS wave (wave, of_wave)
