-- Lookup: the day that a return with a header speaks of, per submission: its reference date, where the period holds it.
-- Key: submission_key. Owner: data team.
SELECT submission_key, least(max(referencedate), max(period_end)) AS reference_day
FROM (
    SELECT submission_key, referencedate, period_end FROM sen2__sen2
    UNION ALL
    SELECT submission_key, referencedate, period_end FROM cin_census__header
)
WHERE referencedate IS NOT NULL
GROUP BY submission_key
