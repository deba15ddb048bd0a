-- question: How long were children at SEN support before they got a plan?
-- asks: L12
-- role: analyst
-- caveats:
--   - Support begins on the first census day that shows it, up to five months after it did; the day of a plan is exact.
--   - Where no census before shows the child without support, it may have begun earlier; those weeks are at least.
-- columns:
--   is_start_known: Whether a census before shows the child without support
--   children_count: Children who went from SEN support to a plan
--   median_weeks: Median weeks at SEN support
--   p90_weeks: Weeks that nine in ten of them did not pass
SELECT
    is_change_seen AS is_start_known,
    count(DISTINCT person_key) AS children_count,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY lasted_weeks) AS median_weeks,
    percentile_disc(0.9) WITHIN GROUP (ORDER BY lasted_weeks) AS p90_weeks
FROM core.person_sen_status
WHERE status_code = 'K' AND next_status_code = 'E'
GROUP BY is_change_seen
ORDER BY is_change_seen DESC;
