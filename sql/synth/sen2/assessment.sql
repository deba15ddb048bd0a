-- Grain: one assessment of a request that was agreed to.
SELECT
    row_number() OVER (ORDER BY requests._row) AS _row, requests._person, requests._number,
    export_key(requests._number, 'assessment') AS assessmenttableid, requests."NativeId", '1' AS assessmentorderseqcolumn,
    requests.sourceid, requests.requeststableid, case_now.assessment_outcome AS assessmentoutcome,
    CASE WHEN case_now.assessment_outcome IN ('Y', 'N') THEN blade_date(case_now.issued_on) END AS assessmentoutcomedate,
    blade_bool(case_now.assessment_outcome = 'N' AND case_now.is_mediated) AS assessmentmediation,
    blade_bool(case_now.assessment_outcome = 'N' AND case_now.is_tribunal) AS assessmenttribunal, 'False' AS othermediation,
    'False' AS othertribunal, blade_bool(case_now.is_exception) AS week20
FROM requests JOIN case_now ON case_now.number = requests._number
WHERE case_now.assessment_outcome IS NOT NULL
