-- Lookup: where each child stands with the EHC team on the day of the extract. The furthest stage of all its requests.
WITH stage AS (
    SELECT
        person,
        CASE
            WHEN started_on <= getvariable('snapshot') AND (ceased_on IS NULL OR ceased_on > getvariable('snapshot')) THEN 'PLAN'
            WHEN ceased_on <= getvariable('snapshot') THEN 'CEASED'
            WHEN decision = 'Y' AND decided_on <= getvariable('snapshot') THEN 'ASSESSED'
            ELSE 'REQUESTED'
        END AS status
    FROM world.plan_case WHERE received_on <= getvariable('snapshot')
    UNION ALL
    SELECT person, 'SUPPORT' FROM world.pupil WHERE status = 'K' AND is_told
)
SELECT person, arg_min(status, list_position(['PLAN', 'CEASED', 'ASSESSED', 'REQUESTED', 'SUPPORT'], status)) AS status
FROM stage GROUP BY person
