-- Lookup: the types of team that a referral went to, with its end for that type, by the last period that tells of them.
-- Key: agency_code, dataset_code, referral_ref, team_type_code. Owner: health data team.
-- Community teams carry their type with the referral, mental health teams in a list of their own. A team whose type is
-- not known has `unknown`: the referral happened.
WITH mental_team AS (
    SELECT agency_code, careprofteamlocalid AS team_ref, arg_max(servteamtypemh, (period_end, source_row)) AS team_type_code
    FROM mhsds__team WHERE careprofteamlocalid IS NOT NULL AND servteamtypemh IS NOT NULL GROUP BY ALL
),
further AS (
    SELECT agency_code, dataset_code, servicerequestid AS referral_ref, othercareprofteamlocalid AS team_ref,
        referclosuredate AS closed_date, referrejectiondate AS rejected_date
    FROM mhsds__other_service
    QUALIFY rank() OVER (PARTITION BY agency_code, servicerequestid ORDER BY period_end DESC) = 1
),
mental AS (
    SELECT agency_code, dataset_code, referral_ref, team_ref, discharge_date AS closed_date, rejected_date FROM health_referral
    WHERE team_ref IS NOT NULL
    UNION ALL
    SELECT * FROM further
),
community AS (
    SELECT agency_code, dataset_code, servicerequestid AS referral_ref, teamtype AS team_type_code,
        referral_closuredate AS closed_date, referral_rejectiondate AS rejected_date
    FROM csds__service_type
    QUALIFY rank() OVER (PARTITION BY agency_code, servicerequestid ORDER BY period_end DESC) = 1
),
team AS (
    SELECT * FROM community
    UNION ALL
    SELECT agency_code, dataset_code, referral_ref, team_type_code, closed_date, rejected_date
    FROM mental LEFT JOIN mental_team USING (agency_code, team_ref)
)
SELECT agency_code, dataset_code, referral_ref, coalesce(team_type_code, 'unknown') AS team_type_code,
    CASE WHEN bool_and(closed_date IS NOT NULL) THEN max(closed_date) END AS closed_date,
    CASE WHEN bool_and(rejected_date IS NOT NULL) THEN max(rejected_date) END AS rejected_date
FROM team GROUP BY ALL
