-- Each statement returns the rows that must not be. Owner: data team.

-- check: rows sent are accepted, held or rejected
SELECT * FROM mart.data_quality WHERE rows_in <> accepted_count + quarantined_count + rejected_count;

-- check: every source that stands is here
SELECT agency_code, dataset_code FROM core.source EXCEPT SELECT agency_code, dataset_code FROM mart.data_quality;
