-- Lookup: who was asked, by health place, and how many answered. Families of one health place are less content.
SELECT respondent_group, health_place, greatest(12, round(invited * share * getvariable('scale')::DOUBLE))::INTEGER AS invited,
    greatest(6, round(invited * share * getvariable('scale')::DOUBLE * rate))::INTEGER AS returned, mood
FROM (VALUES ('parents_plan', 3200, 0.19, -0.25), ('parents_support', 5200, 0.09, 0.10), ('young_people', 900, 0.11, 0.30))
    AS asked (respondent_group, invited, rate, mood)
CROSS JOIN (VALUES ('MS', 0.58, -0.20), ('NP', 0.42, 0.15)) AS place (health_place, share, of_place)
