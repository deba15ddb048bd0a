-- Lookup: the case of each SEN2 request, as each return tells it: its durable reference and the day the return speaks of.
-- Key: submission_key, requeststableid. Owner: SEND data team.
-- A request is the child's record and the day it was received (FORMATS: natural keys): table ids are new in every export.
SELECT
    requests.submission_key, requests.requeststableid,
    md5(concat_ws('|', requests.record_pseudonym, coalesce(requests.receiveddate::VARCHAR, ''))) AS request_ref,
    coalesce(day_of_return.reference_day, requests.period_end) AS observed_on
FROM sen2__requests AS requests
LEFT JOIN day_of_return USING (submission_key)
WHERE requests.record_pseudonym IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY requests.submission_key, requests.requeststableid ORDER BY requests.source_row DESC) = 1
