-- Grain: a time in which a plan had a placement at one provider, of one rank and provision.
-- Key: agency_code, dataset_code, placement_ref, valid_from. Owner: SEND data team.
-- A placement is known again by plan, provider and day of entry; one that a return leaves out and a later one has again never
-- ended. It begins with the entry, or with the plan where the child was there before; a new rank or provision at the same
-- provider on the day of the first return that says so. It ends on the day that its last return gives for it, when the next
-- one of its rank began, on the day of the first return of the plan that no longer has it, or with the plan: whichever is
-- first. So a later return is believed on earlier days: one that has another provider since the same day mended the record.
WITH told AS (
    SELECT *, coalesce(provider_urn, provider_ukprn, setting_code, '') AS provider
    FROM placement_as_told
    QUALIFY row_number() OVER (
        PARTITION BY agency_code, dataset_code, plan_ref, provider, entry_date, number ORDER BY placement_rank
    ) = 1
),
turn AS (
    SELECT *, coalesce(lag((placement_rank, provision_code)) OVER days <> (placement_rank, provision_code), TRUE) AS is_new
    FROM told
    WINDOW days AS (PARTITION BY agency_code, dataset_code, plan_ref, provider, entry_date ORDER BY number)
),
numbered AS (
    SELECT *, sum(is_new::INTEGER) OVER (
        PARTITION BY agency_code, dataset_code, plan_ref, provider, entry_date ORDER BY number ROWS UNBOUNDED PRECEDING
    ) AS part
    FROM turn
),
lasted AS (
    SELECT
        agency_code, dataset_code, any_value(record_pseudonym) AS record_pseudonym, max(submission_key) AS submission_key,
        any_value(placement_ref) AS placement_ref, plan_ref, any_value(placement_rank) AS placement_rank,
        any_value(provider_urn) AS provider_urn, any_value(provider_ukprn) AS provider_ukprn, any_value(setting_code) AS setting_code,
        any_value(provision_code) AS provision_code, entry_date, any_value(ended_on) AS ended_on,
        min(number) AS first_number, max(number) AS last_number, min(observed_on) AS first_seen_on, max(observed_on) AS last_seen_on,
        arg_max({'next_day': next_day, 'leaving_date': leaving_date}, number) AS last,
        lead(min(observed_on)) OVER (
            PARTITION BY agency_code, dataset_code, plan_ref, provider, entry_date ORDER BY part
        ) AS changed_on,
        greatest(entry_date, any_value(began_on), CASE WHEN part > 1 THEN min(observed_on) END) AS valid_from
    FROM numbered
    GROUP BY agency_code, dataset_code, plan_ref, provider, entry_date, part
),
followed AS (
    SELECT placement.agency_code, placement.dataset_code, placement.placement_ref, placement.valid_from,
        min(following.valid_from) AS next_from
    FROM lasted AS placement
    JOIN lasted AS following
        ON following.agency_code = placement.agency_code AND following.dataset_code = placement.dataset_code
        AND following.plan_ref = placement.plan_ref AND following.placement_rank = placement.placement_rank
        AND following.first_number > placement.last_number
    WHERE placement.changed_on IS NULL
    GROUP BY ALL
),
spell AS (
    SELECT lasted.*, last.leaving_date AS leaving_date, CASE
        WHEN changed_on IS NULL THEN least(last.leaving_date, next_from, last.next_day, ended_on) ELSE least(changed_on, ended_on)
    END AS valid_to
    FROM lasted LEFT JOIN followed USING (agency_code, dataset_code, placement_ref, valid_from)
)
SELECT
    agency_code, dataset_code, record_pseudonym, submission_key, placement_ref, plan_ref, placement_rank, provider_urn,
    provider_ukprn, setting_code, provision_code, entry_date, leaving_date, valid_from, valid_to, first_seen_on, last_seen_on
FROM spell WHERE valid_to IS NULL OR valid_to > valid_from
