-- Grain: one child.
SELECT
    child.number AS _row, child.record AS _record, child.person AS _person, child.la_child_id AS "CHILD", child.sex AS "SEX",
    source_date(child.birth) AS "DOB", truth.ethnicity AS "ETHNIC",
    coalesce(child.upn, CASE WHEN child.has_upn THEN 'UN4' ELSE 'UN1' END) AS "UPN",
    CASE WHEN child.sex = 'F' AND age(getvariable('snapshot'), child.birth) > INTERVAL 15 YEAR AND child.record % 40 = 0 THEN '1' END AS "MOTHER",
    CASE WHEN child.sex = 'F' AND age(getvariable('snapshot'), child.birth) > INTERVAL 15 YEAR AND child.record % 40 = 0
        THEN source_date((getvariable('snapshot') - INTERVAL 200 DAY)::DATE) END AS "MC_DOB"
FROM child_now AS child JOIN world.person AS truth USING (person)
