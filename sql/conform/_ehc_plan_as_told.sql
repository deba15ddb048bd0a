-- Lookup: each plan of each SEN2 request as each return tells it: its durable reference and whether it is in force.
-- Key: submission_key, request_ref, plan_ref. Owner: SEND data team.
-- A plan is the request and the day it started. Of several plans of one request the last that has not ceased is in force.
-- A plan in force without a plan record (moved in from another authority) is kept, with no start.
WITH named AS (
    SELECT plan.agency_code, plan.dataset_code, plan.record_pseudonym, plan.submission_key, plan.period_end, ehc_case.request_ref,
        ehc_case.observed_on, plan.startdate, plan.ceasedate, plan.ceasereason, plan.source_row
    FROM sen2__namedplan AS plan
    JOIN sen2__assessment AS assessment USING (submission_key, assessmenttableid)
    JOIN ehc_case ON ehc_case.submission_key = plan.submission_key AND ehc_case.requeststableid = assessment.requeststableid
    WHERE plan.record_pseudonym IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY plan.submission_key, ehc_case.request_ref, plan.startdate ORDER BY plan.ceasedate IS NULL, plan.source_row DESC
    ) = 1
),
in_force AS (
    SELECT plan.agency_code, plan.dataset_code, plan.record_pseudonym, plan.submission_key, plan.period_end, ehc_case.request_ref,
        ehc_case.observed_on, plan.activeplanstableid, coalesce(plan.lastreview, plan.reviewmeeting) AS last_review_date
    FROM sen2__activeplans AS plan JOIN ehc_case USING (submission_key, requeststableid)
    WHERE plan.record_pseudonym IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY plan.submission_key, ehc_case.request_ref ORDER BY plan.source_row DESC) = 1
),
latest AS (
    SELECT submission_key, request_ref, arg_max(startdate, (ceasedate IS NULL, startdate, source_row)) AS startdate
    FROM named GROUP BY ALL
)
SELECT
    coalesce(named.agency_code, in_force.agency_code) AS agency_code, coalesce(named.dataset_code, in_force.dataset_code) AS dataset_code,
    coalesce(named.record_pseudonym, in_force.record_pseudonym) AS record_pseudonym,
    coalesce(named.submission_key, in_force.submission_key) AS submission_key,
    coalesce(named.period_end, in_force.period_end) AS period_end, coalesce(named.request_ref, in_force.request_ref) AS request_ref,
    md5(concat_ws('|', coalesce(named.request_ref, in_force.request_ref), coalesce(named.startdate::VARCHAR, ''))) AS plan_ref,
    named.startdate, named.ceasedate, named.ceasereason, in_force.activeplanstableid, in_force.last_review_date,
    in_force.activeplanstableid IS NOT NULL AS is_active, coalesce(named.observed_on, in_force.observed_on) AS observed_on
FROM named
LEFT JOIN latest USING (submission_key, request_ref)
FULL JOIN in_force
    ON in_force.submission_key = named.submission_key AND in_force.request_ref = named.request_ref
    AND latest.startdate IS NOT DISTINCT FROM named.startdate
