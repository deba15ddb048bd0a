-- question: From where, and to which service, are children not brought to their appointments?
-- asks: L8
-- role: commissioner
SELECT
    agency_name,
    service_name,
    health_place_code,
    appointments_12m_count,
    was_not_brought_12m_count,
    was_not_brought_pct
FROM partnership.health_access
WHERE health_place_code <> 'ALL'
ORDER BY was_not_brought_pct DESC NULLS LAST, appointments_12m_count DESC NULLS LAST;
