-- Grain: one request for the advice of one profession on one child.
SELECT
    row_number() OVER (ORDER BY advice.asked_on, advice.case_number, advice.profession) AS _row, record.record AS _record,
    record.person AS _person,
    printf('ADV-%s', left(md5(advice.case_number || advice.profession), 12)) AS advice_id,
    printf('L%08d', scrambled(record.local_number, 'advice')::BIGINT) AS child_id, record.nhs AS nhs_number,
    source_date(record.birth) AS birth_date, record.sex, record.postcode, advice.profession,
    source_date(advice.asked_on) AS asked_date, source_date(advice.asked_on + 42) AS due_date,
    CASE WHEN advice.returned_on <= getvariable('snapshot') AND NOT advice.is_withdrawn THEN source_date(advice.returned_on) END AS returned_date,
    CASE WHEN advice.returned_on > advice.asked_on + 42 AND advice.pace % 5 = 0 THEN ['circumstances', 'absent', 'appointment'][1 + advice.pace % 3]
    END AS exception,
    CASE WHEN advice.is_withdrawn THEN 'Y' ELSE 'N' END AS is_withdrawn
FROM asked AS advice JOIN record ON record.person = advice.person AND record.copy = 0
