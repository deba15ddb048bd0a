-- Lookup: the day that a school census speaks of, per submission, and whether it is the newest of its agency.
-- Key: submission_key. Owner: education data team.
-- The day in the schools' headers, where they came; else by the school census guide the third Thursday of January (spring)
-- and May (summer), the first Thursday of October (autumn).
WITH term AS (SELECT DISTINCT agency_code, submission_key, period_start, period_end FROM school_census__pupilonroll),
said AS (SELECT submission_key, mode(referencedate) AS day_said FROM school_census__schoolcensus GROUP BY submission_key),
month AS (
    SELECT *, CASE month(period_start)
        WHEN 9 THEN make_date(year(period_start), 10, 1) ELSE date_trunc('month', period_start)::DATE
    END AS first_day
    FROM term
)
SELECT submission_key, period_end = max(period_end) OVER (PARTITION BY agency_code) AS is_newest_census, least(coalesce(
    day_said, first_day + ((11 - isodow(first_day)) % 7 + CASE month(first_day) WHEN 10 THEN 0 ELSE 14 END)::INTEGER
), period_end) AS census_day
FROM month LEFT JOIN said USING (submission_key)
