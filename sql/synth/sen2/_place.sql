-- Lookup: the place of each plan as the return writes it: a URN, a UKPRN or a setting without either.
SELECT
    case_now.number, placement.phase_started, case_now.started_on,
    CASE WHEN placement.school >= 0 THEN school.urn END AS urn,
    CASE placement.placement WHEN 'college' THEN placement.college END AS ukprn,
    CASE placement.placement
        WHEN 'eotas' THEN 'OLA' WHEN 'home' THEN 'EHE' WHEN 'nursery_setting' THEN 'EYP' WHEN 'neet' THEN 'NEET'
    END AS sensetting,
    placement.placement = 'base' AND NOT placement.is_resourced AS is_unit,
    placement.placement = 'base' AND placement.is_resourced AS is_resourced
FROM case_now
JOIN world.placement AS placement USING (case_number)
LEFT JOIN world.school AS school ON school.school = placement.school
WHERE case_now.is_started
