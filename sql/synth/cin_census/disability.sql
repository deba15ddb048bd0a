-- Grain: one disability of a child.
SELECT
    row_number() OVER (ORDER BY child.number, disability.code) AS _row, child.number AS _parent, child.person AS _person,
    disability.code AS "."
FROM world.disability AS disability JOIN child_now AS child USING (person)
