-- Grain: one child.
SELECT
    child.number AS _row, NULL::BIGINT AS _parent, child.record AS _record, child.person AS _person,
    child.la_child_id AS "ChildIdentifiers/LAchildID", child.upn AS "ChildIdentifiers/UPN",
    child.former_upn::VARCHAR AS "ChildIdentifiers/FormerUPN",
    CASE WHEN child.upn IS NULL THEN CASE WHEN child.has_upn THEN 'UN4' ELSE 'UN1' END END AS "ChildIdentifiers/UPNunknown",
    child.birth::VARCHAR AS "ChildIdentifiers/PersonBirthDate",
    CASE WHEN getvariable('has_gender') THEN translate(child.sex, 'MFU', '120') END AS "ChildIdentifiers/GenderCurrent",
    CASE WHEN NOT getvariable('has_gender') THEN child.sex END AS "ChildIdentifiers/Sex",
    truth.ethnicity AS "ChildCharacteristics/Ethnicity", NULL::VARCHAR AS "+disability", NULL::VARCHAR AS "+cin_details"
FROM child_now AS child JOIN world.person AS truth USING (person)
