-- question: Does health give its advice for EHC assessments within six weeks, and which profession does not?
-- asks: L6
-- role: analyst
-- caveats:
--   - Requests for advice that were withdrawn do not count.
--   - Whose six weeks still run, or who is late under an exception to the limit, is neither in time nor late.
-- columns:
--   profession: Who is asked
--   asked_count: Advice asked for
--   judged_count: In time or late
--   in_time_count: Given within six weeks
--   late_count: Not given within six weeks
--   exception_count: Advice for which an exception to the limit was recorded
--   in_time_pct: in_time_count per 100 of judged_count
SELECT
    coalesce(named.label, advice.profession_code) AS profession,
    count(*) AS asked_count,
    count(advice.is_in_time) AS judged_count,
    count(*) FILTER (WHERE advice.is_in_time) AS in_time_count,
    count(*) FILTER (WHERE NOT advice.is_in_time) AS late_count,
    count(*) FILTER (WHERE advice.exception_code IS NOT NULL) AS exception_count,
    round(100.0 * count(*) FILTER (WHERE advice.is_in_time) / nullif(count(advice.is_in_time), 0), 1) AS in_time_pct
FROM core.ehc_advice AS advice
LEFT JOIN core.code AS named ON named.list_code = 'ehc_advice_profession' AND advice.profession_code = named.code
WHERE NOT advice.is_withdrawn
GROUP BY advice.profession_code, named.label
ORDER BY asked_count DESC, profession ASC;
