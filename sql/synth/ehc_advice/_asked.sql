-- Lookup: who was asked for advice on an assessment that was agreed to, and when it came. Paediatrics on every child, others
-- on some; three in four answer within six weeks. A few requests are taken back, a few late ones excused.
WITH request AS (
    SELECT case_number, person, decided_on AS asked_on, unnest([
        'paediatrics', 'speech_language', 'occupational_therapy', 'physiotherapy', 'mental_health', 'nursing'
    ]) AS profession
    FROM world.plan_case JOIN world.person AS person USING (person)
    WHERE decision = 'Y' AND decided_on <= getvariable('snapshot') AND decided_on >= getvariable('two_years_ago')
        AND NOT person.is_opted_out
),
drawn AS (
    SELECT *, (md5_number(case_number || profession) % 1000)::INTEGER AS chance,
        (md5_number(profession || case_number || 'days') % 1000)::INTEGER AS pace
    FROM request
)
SELECT *, asked_on + CASE WHEN pace < 750 THEN 14 + pace % 29 ELSE 43 + pace % 50 END AS returned_on,
    chance % 50 = 7 AS is_withdrawn
FROM drawn
WHERE chance < CASE profession
    WHEN 'paediatrics' THEN 1000 WHEN 'speech_language' THEN 620 WHEN 'occupational_therapy' THEN 400
    WHEN 'physiotherapy' THEN 120 WHEN 'mental_health' THEN 220 ELSE 90
END
