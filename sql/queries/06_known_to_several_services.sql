-- question: Which services know the same children more often than chance would have it?
-- asks: L4
-- role: commissioner
-- caveats: [Children who could not be matched between agencies are missed here.]
SELECT
    sets,
    set_size,
    children_count,
    share_pct,
    expected_children,
    lift,
    data_as_at
FROM partnership.multi_agency_overlap
WHERE geographic_level = 'area' AND set_size >= 2 AND children_count > 0
ORDER BY lift DESC NULLS LAST, children_count DESC NULLS LAST
LIMIT 40;
