-- Each statement returns the rows that must not be. Owner: data team.

-- check: rows sent are accepted, held or rejected
SELECT * FROM mart.data_quality WHERE rows_in <> accepted_count + quarantined_count + rejected_count;

-- check: a share of records that differ is a share
SELECT * FROM mart.data_quality
WHERE greatest(birth_month_differs_pct, sex_differs_pct, ethnicity_differs_pct, home_differs_pct) > 100;

-- check: every source that stands is here
SELECT agency_code, dataset_code FROM core.source EXCEPT SELECT agency_code, dataset_code FROM mart.data_quality;
