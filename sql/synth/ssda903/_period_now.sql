-- Lookup: what the year holds of each child that was in care in it.
SELECT period.*, child.record, child.number, child.la_child_id, source_date(child.birth) AS dob, child.sex
FROM world.care_period AS period JOIN child_now AS child USING (person)
