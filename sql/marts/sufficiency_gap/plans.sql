-- Plans in force, one per child, with the main placement's kind.
-- Grain: need x age on 31 August x health place of residence. Owner: sufficiency.
-- A child without a person key counts as the record; what neither person nor record tells is 'unknown' (age NULL).
WITH plan AS (
    SELECT DISTINCT ON (coalesce(p.person_key::text, p.record_pseudonym))
        p.agency_code, p.dataset_code, p.plan_ref,
        coalesce(p.primary_need_code, 'unknown') AS need_code,
        coalesce(c.birth_month, r.birth_month) AS birth_month,
        coalesce(c.lsoa21_code, r.lsoa21_code) AS lsoa21_code
    FROM core.ehc_plan AS p
    LEFT JOIN core.person AS c USING (person_key)
    LEFT JOIN core.person_record AS r
        ON r.agency_code = p.agency_code AND r.dataset_code = p.dataset_code AND r.record_pseudonym = p.record_pseudonym
    WHERE p.is_active
    ORDER BY coalesce(p.person_key::text, p.record_pseudonym), p.start_date DESC, p.plan_ref
),

main_placement AS (
    SELECT DISTINCT ON (m.agency_code, m.dataset_code, m.plan_ref)
        m.agency_code, m.dataset_code, m.plan_ref, m.provision_code = ANY(%(specialist)s) AS is_specialist
    FROM core.ehc_placement AS m
    WHERE m.entry_date <= %(reference)s AND (m.leaving_date IS NULL OR m.leaving_date > %(reference)s)
    ORDER BY m.agency_code, m.dataset_code, m.plan_ref, m.placement_rank, m.entry_date DESC, m.placement_ref
)

SELECT
    plan.need_code,
    core.age_on_31_august(plan.birth_month, %(reference)s::date) AS age,
    coalesce(g.health_place_code, 'unknown') AS health_place_code,
    count(*)::int AS plans,
    (count(*) FILTER (WHERE m.is_specialist))::int AS specialist
FROM plan
LEFT JOIN main_placement AS m USING (agency_code, dataset_code, plan_ref)
LEFT JOIN core.geography AS g USING (lsoa21_code)
GROUP BY 1, 2, 3;
