-- Grain: a time in which one source says a child has a need of a rank.
-- Key: agency_code, dataset_code, record_pseudonym, need_rank, need_code, valid_from. Owner: SEND data team.
-- A need holds from the first day on which it was seen until the next that does not show it. Days are those censuses that ask
-- for needs (spring), and the returns that have a plan of the child in force. What the first return says of a plan is taken to
-- be its need since it started; a plan that is over took its needs with it.
WITH census AS (
    SELECT agency_code, census_day, row_number() OVER days AS number, lead(census_day) OVER days AS next_day
    FROM (SELECT DISTINCT agency_code, census_day FROM school_census__senneeds JOIN census_day USING (submission_key))
    WINDOW days AS (PARTITION BY agency_code ORDER BY census_day)
),
return AS (
    SELECT *, row_number() OVER days AS number, lag(observed_on) OVER days AS last_day, lead(observed_on) OVER days AS next_day
    FROM (SELECT DISTINCT agency_code, dataset_code, record_pseudonym, observed_on FROM ehc_plan_return)
    WINDOW days AS (PARTITION BY agency_code, dataset_code, record_pseudonym ORDER BY observed_on)
),
seen AS (
    SELECT need.agency_code, need.dataset_code, need.record_pseudonym, need.submission_key, need.sentype, need.sentyperank,
        census_day AS day, census_day AS began_on, census.number, census.next_day, NULL::DATE AS ended_on
    FROM school_census__senneeds AS need
    JOIN census_day USING (submission_key)
    JOIN census USING (agency_code, census_day)
    UNION ALL
    SELECT plan.agency_code, plan.dataset_code, plan.record_pseudonym, need.submission_key, need.sentype, need.sentyperank,
        plan.observed_on,
        CASE WHEN plan.observed_on > plan.first_day THEN plan.observed_on
            ELSE greatest(least(plan.startdate, plan.observed_on), return.last_day) END,
        return.number, return.next_day, plan.ended_on
    FROM sen2__senneed AS need
    JOIN sen2__activeplans AS in_force USING (submission_key, activeplanstableid)
    JOIN ehc_case ON ehc_case.submission_key = need.submission_key AND ehc_case.requeststableid = in_force.requeststableid
    JOIN ehc_plan_return AS plan ON plan.submission_key = need.submission_key AND plan.request_ref = ehc_case.request_ref
    JOIN return ON return.agency_code = plan.agency_code AND return.dataset_code = plan.dataset_code
        AND return.record_pseudonym = plan.record_pseudonym AND return.observed_on = plan.observed_on
    WHERE plan.record_pseudonym = need.record_pseudonym
),
known AS (
    SELECT agency_code, dataset_code, record_pseudonym, sentype, sentyperank, day, number, next_day, min(began_on) AS began_on,
        max(submission_key) AS submission_key, max(coalesce(ended_on, DATE '9999-12-31')) AS ended_on
    FROM seen
    WHERE record_pseudonym IS NOT NULL AND sentype IS NOT NULL AND sentyperank IS NOT NULL
    GROUP BY ALL
),
island AS (
    SELECT *, number - row_number() OVER (
        PARTITION BY agency_code, dataset_code, record_pseudonym, sentype, sentyperank ORDER BY number
    ) AS island
    FROM known
),
spell AS (
    SELECT agency_code, dataset_code, record_pseudonym, max(submission_key) AS submission_key, sentype AS need_code,
        sentyperank AS need_rank, min(began_on) AS valid_from,
        nullif(least(max(coalesce(next_day, DATE '9999-12-31')), max(ended_on)), DATE '9999-12-31') AS valid_to,
        min(day) AS first_seen_on, max(day) AS last_seen_on
    FROM island
    GROUP BY agency_code, dataset_code, record_pseudonym, sentype, sentyperank, island
)
SELECT * FROM spell WHERE valid_to IS NULL OR valid_to > valid_from
