-- Grain: one plan.
SELECT
    row_number() OVER (ORDER BY assessment._row) AS _row, assessment._person, assessment._number,
    export_key(assessment._number, 'namedplan') AS namedplantableid, assessment."NativeId", '1' AS namedplanorderseqcolumn,
    assessment.sourceid, assessment.requeststableid, assessment.assessmenttableid, blade_date(case_now.started_on) AS startdate, NULL::VARCHAR AS planres,
    NULL::VARCHAR AS planwbp, blade_bool(assessment._number % 23 = 0) AS pb, 'False' AS oa, NULL::VARCHAR AS dp,
    CASE WHEN case_now.is_ceased THEN blade_date(case_now.ceased_on) END AS ceasedate,
    CASE WHEN case_now.is_ceased THEN case_now.cease_reason END AS ceasereason
FROM assessment JOIN case_now ON case_now.number = assessment._number
WHERE case_now.is_started
