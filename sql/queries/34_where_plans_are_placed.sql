-- question: In which kinds of provision are children with a plan, at what age?
-- asks: L11
-- role: analyst
-- caveats:
--   - The kinds are those of the list of places, which is shorter than the fourteen of the local SEND reform plan.
--   - Of a dual placement the first; who moved in the year of the return may be told with both, and cannot be laid to either.
-- columns:
--   provision: Kind of provision of the main placement
--   children_count: Children with a plan in force
--   share_pct: children_count per 100 children with a plan
--   under_5_count: Those under 5 on the last 31 August
--   aged_5_to_10_count: Those aged 5 to 10
--   aged_11_to_15_count: Those aged 11 to 15
--   aged_16_to_19_count: Those aged 16 to 19
--   aged_20_to_25_count: Those aged 20 to 25
WITH main AS (
    SELECT
        plan_ref,
        CASE count(DISTINCT provision_code) WHEN 1 THEN min(provision_code) ELSE 'several' END AS provision_code
    FROM (
        SELECT
            plan_ref,
            provision_code,
            rank() OVER (PARTITION BY plan_ref ORDER BY placement_rank) AS place
        FROM core.ehc_placement
    ) AS told
    WHERE place = 1
    GROUP BY plan_ref
),

child AS (
    SELECT DISTINCT ON (coalesce(plan.person_key::text, plan.record_pseudonym))
        coalesce(main.provision_code, 'none') AS provision_code,
        extract(YEAR FROM source.data_as_at - interval '8 months') - 1 - person.born_school_year AS age
    FROM core.ehc_plan AS plan
    INNER JOIN core.dim_source AS source
        ON plan.agency_code = source.agency_code AND plan.dataset_code = source.dataset_code
    LEFT JOIN main ON plan.plan_ref = main.plan_ref
    LEFT JOIN core.person_profile AS person ON plan.person_key = person.person_key
    WHERE plan.is_active
    ORDER BY coalesce(plan.person_key::text, plan.record_pseudonym), main.provision_code IS NULL, plan.plan_ref
)

SELECT
    CASE child.provision_code
        WHEN 'none' THEN 'none told' WHEN 'several' THEN 'more than one told'
        ELSE coalesce(named.label, child.provision_code)
    END AS provision,
    count(*) AS children_count,
    round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS share_pct,
    count(*) FILTER (WHERE child.age < 5) AS under_5_count,
    count(*) FILTER (WHERE child.age BETWEEN 5 AND 10) AS aged_5_to_10_count,
    count(*) FILTER (WHERE child.age BETWEEN 11 AND 15) AS aged_11_to_15_count,
    count(*) FILTER (WHERE child.age BETWEEN 16 AND 19) AS aged_16_to_19_count,
    count(*) FILTER (WHERE child.age BETWEEN 20 AND 25) AS aged_20_to_25_count
FROM child
LEFT JOIN core.code AS named ON named.list_code = 'provision_type' AND child.provision_code = named.code
GROUP BY child.provision_code, named.label
ORDER BY children_count DESC, provision ASC;
