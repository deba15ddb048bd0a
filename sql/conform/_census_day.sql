-- Lookup: the day that a school census speaks of, per submission.
-- Key: submission_key. Owner: education data team.
-- School census guide: third Thursday of January (spring) and May (summer), first Thursday of October (autumn).
WITH term AS (SELECT DISTINCT submission_key, period_start, period_end FROM school_census__pupilonroll),
month AS (
    SELECT *, CASE month(period_start)
        WHEN 9 THEN make_date(year(period_start), 10, 1) ELSE date_trunc('month', period_start)::DATE
    END AS first_day
    FROM term
)
SELECT submission_key, least(
    first_day + ((11 - isodow(first_day)) % 7 + CASE month(first_day) WHEN 10 THEN 0 ELSE 14 END)::INTEGER, period_end
) AS census_day
FROM month
