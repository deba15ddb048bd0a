-- What all sources say of a person over time, in one line of days: made of the spells of core, where each source stands by
-- itself and nothing is decided. A time holds on valid_from and no longer on valid_to; valid_to is empty while it lasts.
DROP VIEW IF EXISTS core.person_sen_status, core.person_need, core.person_home, core.person_placement;

-- The higher support counts: plan before support before none. A census says nothing between two of its days: where a
-- return says that a plan ceased after the last census that showed one, the plan ended then.
CREATE VIEW core.person_sen_status AS
WITH said AS (
    SELECT
        spell.person_key, spell.status_code, daterange(spell.valid_from, least(spell.valid_to, (
            SELECT min(plan.valid_to) FROM core.sen_status_spell AS plan
            WHERE plan.person_key = spell.person_key AND plan.is_dated AND plan.valid_to > spell.last_seen_on
                AND spell.status_code = 'E' AND NOT spell.is_dated
        ))) AS days
    FROM core.sen_status_spell AS spell
    WHERE spell.person_key IS NOT NULL
),
person AS (
    SELECT
        person_key, coalesce(range_agg(days) FILTER (WHERE status_code = 'E'), '{}') AS plan,
        coalesce(range_agg(days) FILTER (WHERE status_code = 'K'), '{}') AS support,
        coalesce(range_agg(days) FILTER (WHERE status_code = 'N'), '{}') AS neither
    FROM said GROUP BY person_key
),
lasted AS (
    SELECT person.person_key, status.status_code, lower(days) AS valid_from, upper(days) AS valid_to
    FROM person
    CROSS JOIN LATERAL (VALUES ('E', plan), ('K', support - plan), ('N', neither - support - plan)) AS status (status_code, times)
    CROSS JOIN LATERAL unnest(status.times) AS days
)
SELECT
    person_key, status_code, valid_from, valid_to, date_trunc('month', valid_from)::date AS from_month,
    (valid_to - valid_from) / 7 AS lasted_weeks,
    coalesce(lag(valid_to) OVER times = valid_from, FALSE) AS is_change_seen,
    CASE WHEN lead(valid_from) OVER times = valid_to THEN lead(status_code) OVER times END AS next_status_code
FROM lasted
WINDOW times AS (PARTITION BY person_key ORDER BY valid_from);
COMMENT ON VIEW core.person_sen_status IS 'Grain: a time in which a person had one SEN status, by all sources together: plan before support before none. Where no source says anything there is no row. What each source says is in core.sen_status_spell.';

CREATE VIEW core.person_need AS
WITH said AS (
    SELECT
        person_key, need_code, range_agg(daterange(valid_from, valid_to)) AS any_rank,
        coalesce(range_agg(daterange(valid_from, valid_to)) FILTER (WHERE need_rank = 1), '{}') AS first_rank
    FROM core.sen_need_spell WHERE person_key IS NOT NULL
    GROUP BY person_key, need_code
)
SELECT
    said.person_key, said.need_code, rank.is_primary, lower(days) AS valid_from, upper(days) AS valid_to,
    date_trunc('month', lower(days))::date AS from_month
FROM said
CROSS JOIN LATERAL (VALUES (TRUE, first_rank), (FALSE, any_rank - first_rank)) AS rank (is_primary, times)
CROSS JOIN LATERAL unnest(rank.times) AS days;
COMMENT ON VIEW core.person_need IS 'Grain: a time in which any source said that a person has a need, as the primary one of its own or not. Needs on which sources differ stand beside each other. What each source says is in core.sen_need_spell.';

-- Which record is believed is as in sql/integrate/person.sql, for every day alike: of the records that have a home to tell
-- of that day the first. So the home of today is the one of core.person.
CREATE VIEW core.person_home AS
WITH believed AS (
    SELECT
        spell.person_key, spell.lsoa21_code, daterange(spell.valid_from, spell.valid_to) AS days,
        -- The days of the records before this one, whose spells are peers in this order.
        range_agg(daterange(spell.valid_from, spell.valid_to)) OVER (
            PARTITION BY spell.person_key
            ORDER BY array_position(ARRAY['education', 'social_care', 'health'], source.group_code), record.observed_on DESC,
                spell.agency_code, spell.dataset_code, spell.record_pseudonym
            GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS better
    FROM core.home_spell AS spell
    JOIN core.source AS source USING (agency_code, dataset_code)
    JOIN core.person_record AS record USING (agency_code, dataset_code, record_pseudonym)
    WHERE spell.person_key IS NOT NULL
),
lasted AS (
    SELECT believed.person_key, believed.lsoa21_code, range_agg(part.days) AS times
    FROM believed CROSS JOIN LATERAL unnest(datemultirange(believed.days) - coalesce(believed.better, '{}')) AS part (days)
    GROUP BY believed.person_key, believed.lsoa21_code
)
SELECT
    lasted.person_key, lasted.lsoa21_code, geography.ward_code, geography.health_place_code, lower(days) AS valid_from,
    upper(days) AS valid_to, date_trunc('month', lower(days))::date AS from_month
FROM lasted
CROSS JOIN LATERAL unnest(lasted.times) AS days
LEFT JOIN core.geography AS geography USING (lsoa21_code);
COMMENT ON VIEW core.person_home IS 'Grain: a time in which a person lived in one LSOA, by the source that is believed: education before social care before health, as in core.person. The first day is the one on which a delivery first said so, and the move was before; of a source that knows the days of its addresses it is the day itself. No ward or health place outside the area.';

-- Where two main placements overlap, of two plans or within one, the one that began last stands while it lasts.
CREATE VIEW core.person_placement AS
WITH main AS (
    SELECT
        person_key, plan_ref, coalesce(provider_urn, provider_ukprn) AS provider_code, setting_code, provision_code,
        daterange(valid_from, valid_to) AS days,
        range_agg(daterange(valid_from, valid_to)) OVER (
            PARTITION BY person_key ORDER BY valid_from DESC, last_seen_on DESC, placement_ref, dataset_code, agency_code
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS later
    FROM core.ehc_placement_spell WHERE placement_rank = 1 AND person_key IS NOT NULL
)
SELECT
    main.person_key, main.plan_ref, main.provision_code, main.provider_code, main.setting_code, lower(part.days) AS valid_from,
    upper(part.days) AS valid_to, date_trunc('month', lower(part.days))::date AS from_month,
    (upper(part.days) - lower(part.days)) / 7 AS lasted_weeks,
    lead(main.provision_code) OVER times AS next_provision_code, lead(main.provider_code) OVER times AS next_provider_code
FROM main CROSS JOIN LATERAL unnest(datemultirange(main.days) - coalesce(main.later, '{}')) AS part (days)
WINDOW times AS (PARTITION BY main.person_key ORDER BY lower(part.days));
COMMENT ON VIEW core.person_placement IS 'Grain: a time in which a person with a plan had one main placement, by the returns of plans together; what followed may have begun later. What each return made of it, and further placements, are in core.ehc_placement_spell; whether a provider lies in the area is in core.dim_provider.';
