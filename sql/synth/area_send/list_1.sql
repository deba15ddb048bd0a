-- Grain: one child with a plan in force on the day of the extract.
WITH in_force AS (
    SELECT plan_case.*, placement.phase, placement.need, placement.placement, school.urn
    FROM world.plan_case AS plan_case
    JOIN world.placement AS placement USING (case_number)
    LEFT JOIN world.school AS school ON school.school = placement.school
    WHERE plan_case.started_on <= getvariable('snapshot') AND (plan_case.ceased_on IS NULL OR plan_case.ceased_on > getvariable('snapshot'))
    QUALIFY row_number() OVER (PARTITION BY plan_case.person ORDER BY plan_case.started_on DESC) = 1
)
SELECT
    row_number() OVER (ORDER BY child.unique_id) AS _row, child.record AS _record, child.person AS _person,
    child.unique_id AS "Unique ID", child.upn AS "UPN", child.uln AS "ULN", child.birth::VARCHAR AS "Date of birth",
    child.gender AS "Gender", child.ethnicity AS "Ethnicity", in_force.started_on::VARCHAR AS "Date initial EHC plan issued",
    CASE WHEN in_force.case_number % 3 = 0 AND in_force.started_on + 330 <= getvariable('snapshot')
        THEN (in_force.started_on + 330)::VARCHAR END AS "Date updated EHC plan issued",
    CASE WHEN in_force.reviewed_on > in_force.started_on AND in_force.reviewed_on <= getvariable('snapshot')
        THEN in_force.reviewed_on::VARCHAR END AS "Date EHC plan last reviewed",
    in_force.need AS "SEN primary need", in_force.urn AS "Main education establishment – URN",
    CASE in_force.phase WHEN 'early_years' THEN 'Early years' WHEN 'primary' THEN 'Primary' WHEN 'secondary' THEN 'Secondary' ELSE 'Post-16' END
        AS "Main education establishment – phase",
    NULL::VARCHAR AS "Subsidiary education establishment – phase (dual registration)",
    CASE in_force.placement WHEN 'home' THEN 'a) Yes' ELSE 'b) No' END AS "Elective home education", child.suspensions AS "Suspensions",
    child.exclusions AS "Permanent exclusions", child.absence AS "Absence", child.pupil_premium AS "Pupil Premium",
    child.social_care AS "Known to children’s social care?",
    CASE child.social_care WHEN 'a) Yes' THEN 'Assessment team' END AS "Which children’s social care team?",
    child.disability AS "Does the child or young person have a disability?"
FROM child JOIN in_force USING (person)
