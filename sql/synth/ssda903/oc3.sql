-- Grain: one care leaver.
SELECT
    row_number() OVER (ORDER BY child.number) AS _row, child.record AS _record, child.person AS _person, child.la_child_id AS "CHILD",
    source_date(child.birth) AS "DOB", leaver.contact AS "IN_TOUCH", leaver.activity AS "ACTIV", leaver.accommodation AS "ACCOM"
FROM world.care_leaver AS leaver JOIN child_now AS child USING (person)
