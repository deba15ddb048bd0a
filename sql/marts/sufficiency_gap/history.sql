-- The stock of plans on the reference date and one, two and three years before, from start and cease dates, with the
-- plans recorded as ceased in the year after each of those days.
-- Grain: need x years back. Owner: sufficiency. Needs hang on plans in force: that of a plan which no return had in force is
-- 'unknown'. One that is neither in force nor ceased is told of no more, and counts until the last return that had it.
SELECT
    coalesce(p.primary_need_code, 'unknown') AS need_code,
    back.years AS years_back,
    count(DISTINCT coalesce(p.person_key::text, p.record_pseudonym))::int AS plans,
    (count(DISTINCT coalesce(p.person_key::text, p.record_pseudonym))
        FILTER (WHERE back.years > 0 AND p.cease_date <= back.day + interval '1 year'))::int AS ceased_within_year
FROM (
    SELECT years, (%(reference)s::date - make_interval(years => years))::date AS day
    FROM generate_series(0, %(window)s) AS years
) AS back
INNER JOIN core.ehc_plan AS p
    ON p.start_date <= back.day AND (p.is_active OR coalesce(p.cease_date, p.last_in_force_on + 1) > back.day)
GROUP BY 1, 2;
