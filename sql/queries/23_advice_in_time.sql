-- question: Does health give its advice for EHC assessments within six weeks, and which profession does not?
-- asks: L6
-- role: analyst
-- caveats: [Requests for advice that were withdrawn do not count.]
-- columns:
--   profession_code: Who is asked, by its code
--   asked_count: Advice asked for
--   in_time_count: Given within its time
--   late_count: Not given within its time
--   exception_count: Those for which an exception to the limit was recorded
--   in_time_pct: in_time_count per 100 of asked_count
SELECT
    profession_code,
    count(*) AS asked_count,
    count(*) FILTER (WHERE is_in_time) AS in_time_count,
    count(*) FILTER (WHERE NOT is_in_time) AS late_count,
    count(*) FILTER (WHERE exception_code IS NOT NULL) AS exception_count,
    round(100.0 * count(*) FILTER (WHERE is_in_time) / count(*), 1) AS in_time_pct
FROM core.ehc_advice
WHERE NOT is_withdrawn
GROUP BY profession_code
ORDER BY asked_count DESC;
