-- question: Are plans reviewed every year, and at what age are they not?
-- asks: L3
-- role: commissioner
-- caveats: [A plan younger than twelve months is not due.]
SELECT
    breakdown_topic,
    breakdown,
    plans_count,
    due_count,
    reviewed_count,
    overdue_count,
    overdue_pct,
    never_reviewed_count,
    data_as_at
FROM partnership.annual_review
ORDER BY breakdown_topic DESC, breakdown = 'Not known', breakdown <> 'Under 5', breakdown <> '5 to 10', breakdown;
