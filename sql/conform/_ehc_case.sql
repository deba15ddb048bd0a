-- Lookup: the case of each SEN2 request: its durable reference and the return's reference date.
-- Key: agency_code, requeststableid. Owner: SEND data team.
-- A request is the child's record and the day it was received (FORMATS: natural keys): table ids are new in every export.
SELECT
    requests.agency_code, requests.requeststableid,
    md5(concat_ws('|', requests.record_pseudonym, coalesce(requests.receiveddate::VARCHAR, ''))) AS request_ref,
    coalesce(day_of_return.reference_day, requests.period_end) AS observed_on
FROM sen2__requests AS requests
LEFT JOIN day_of_return USING (submission_key)
WHERE requests.record_pseudonym IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY requests.agency_code, requests.requeststableid ORDER BY requests.source_row DESC) = 1
