-- Grain: one pupil on SEN support at the census whom a school told the council of; some of them have a plan by now.
SELECT
    row_number() OVER (ORDER BY child.unique_id) AS _row, child.record AS _record, child.person AS _person,
    child.unique_id AS "Unique ID", child.upn AS "UPN", child.uln AS "ULN", child.birth::VARCHAR AS "Date of birth",
    child.gender AS "Gender", child.ethnicity AS "Ethnicity", need.need AS "SEN primary need", school.urn AS "Main education establishment – URN",
    CASE WHEN child.age <= 3 THEN 'Early years' WHEN child.age <= 10 THEN 'Primary' WHEN child.age <= 15 THEN 'Secondary' ELSE 'Post-16' END
        AS "Main education establishment – phase",
    NULL::VARCHAR AS "Subsidiary education establishment – phase (dual registration)", child.suspensions AS "Suspensions",
    child.exclusions AS "Permanent exclusions", child.absence AS "Absence", child.pupil_premium AS "Pupil Premium",
    child.social_care AS "Known to children’s social care?",
    CASE child.social_care WHEN 'a) Yes' THEN 'Assessment team' END AS "Which children’s social care team?",
    child.disability AS "Does the child or young person have a disability?"
FROM child
JOIN world.pupil AS pupil ON pupil.person = child.person AND pupil.status = 'K' AND pupil.is_told
JOIN world.need AS need ON need.person = child.person AND need.kind = 'support' AND need.rank = 1
LEFT JOIN world.school AS school ON school.school = pupil.school
