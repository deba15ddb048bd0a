-- Grain: a time in which one source says a child has a need of a rank.
-- Key: agency_code, dataset_code, record_pseudonym, need_rank, need_code, valid_from. Owner: SEND data team.
-- Of the censuses only those that ask for needs (spring) are days: a need holds from the first on which it was seen until
-- the next that does not show it. The need of a plan in force is taken to be its need since the plan started: the return
-- does not say when it was amended. Needs of plans that ceased are not in the return.
WITH census AS (
    SELECT agency_code, census_day, row_number() OVER days AS number, lead(census_day) OVER days AS next_day
    FROM (SELECT DISTINCT agency_code, census_day FROM school_census__senneeds JOIN census_day USING (submission_key))
    WINDOW days AS (PARTITION BY agency_code ORDER BY census_day)
),
seen AS (
    SELECT agency_code, dataset_code, record_pseudonym, sentype, sentyperank, census_day, max(submission_key) AS submission_key
    FROM school_census__senneeds JOIN census_day USING (submission_key)
    WHERE record_pseudonym IS NOT NULL AND sentype IS NOT NULL AND sentyperank IS NOT NULL
    GROUP BY ALL
),
island AS (
    SELECT
        seen.*, next_day, number - row_number() OVER (
            PARTITION BY agency_code, dataset_code, record_pseudonym, sentype, sentyperank ORDER BY number
        ) AS island
    FROM seen JOIN census USING (agency_code, census_day)
)
SELECT
    agency_code, dataset_code, record_pseudonym, max(submission_key) AS submission_key, sentype AS need_code, sentyperank AS need_rank,
    min(census_day) AS valid_from, nullif(max(coalesce(next_day, DATE '9999-12-31')), DATE '9999-12-31') AS valid_to,
    min(census_day) AS first_seen_on, max(census_day) AS last_seen_on
FROM island
GROUP BY agency_code, dataset_code, record_pseudonym, sentype, sentyperank, island
UNION ALL
SELECT
    need.agency_code, need.dataset_code, need.record_pseudonym, max(need.submission_key), need.sentype, need.sentyperank,
    min(least(coalesce(plan.startdate, plan.observed_on), plan.observed_on)), NULL, min(plan.observed_on), max(plan.observed_on)
FROM sen2__senneed AS need
JOIN sen2__activeplans AS in_force USING (agency_code, activeplanstableid)
JOIN ehc_case ON ehc_case.agency_code = need.agency_code AND ehc_case.requeststableid = in_force.requeststableid
JOIN ehc_plan_case AS plan
    ON plan.agency_code = need.agency_code AND plan.request_ref = ehc_case.request_ref AND plan.is_active
WHERE need.record_pseudonym IS NOT NULL AND need.sentype IS NOT NULL AND need.sentyperank IS NOT NULL
GROUP BY need.agency_code, need.dataset_code, need.record_pseudonym, need.sentype, need.sentyperank
