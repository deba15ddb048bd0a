-- Lookup: the requests that are in this extract, as they stood on `snapshot`. Activity counts from `window_start`; a plan
-- issued before that is historical (H). `share`: how much of the caseload has been typed in.
WITH seen AS (
    SELECT
        plan_case.*, record.record,
        coalesce(started_on <= getvariable('snapshot'), FALSE) AS is_started,
        coalesce(ceased_on <= getvariable('snapshot'), FALSE) AS is_ceased,
        coalesce(started_on < getvariable('window_start'), FALSE) AS is_historical
    FROM world.plan_case AS plan_case JOIN record USING (person)
    WHERE received_on <= getvariable('snapshot') AND plan_case.case_number % 100 < 100 * getvariable('share')
),
dated AS (
    SELECT
        seen.*,
        CASE WHEN is_historical THEN 'H' WHEN decided_on > getvariable('snapshot') THEN 'A' ELSE decision END AS request_outcome,
        CASE
            WHEN is_historical THEN 'H'
            WHEN decision = 'Y' AND decided_on <= getvariable('snapshot')
                THEN CASE WHEN issued_on > getvariable('snapshot') THEN 'A' ELSE issue END
        END AS assessment_outcome
    FROM seen
)
SELECT *, row_number() OVER (ORDER BY case_number) AS number
FROM dated
WHERE (is_started AND NOT is_ceased)
    OR request_outcome = 'A' OR assessment_outcome = 'A'
    OR received_on >= getvariable('window_start')
    OR (decided_on BETWEEN getvariable('window_start') AND getvariable('snapshot') AND NOT is_historical)
    OR (issued_on BETWEEN getvariable('window_start') AND getvariable('snapshot'))
    OR (ceased_on BETWEEN getvariable('window_start') AND getvariable('snapshot'))
