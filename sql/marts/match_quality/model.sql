-- mart.match_quality
-- Grain: source x group met x breakdown. Key: see mart.yaml. Owner: linker.
WITH source AS (SELECT agency_code, dataset_code, group_code, least(:as_of, data_as_at) AS data_as_at
    FROM core.source WHERE is_about_people
),
known AS (
    SELECT DISTINCT record.person_key, source.agency_code, source.dataset_code, source.group_code
    FROM core.person_record AS record JOIN source USING (agency_code, dataset_code)
    WHERE record.person_key IS NOT NULL
),
-- Groups in which a person is known by how many sources; its own source does not count for itself.
known_in AS (SELECT person_key, group_code, count(*) AS sources FROM known GROUP BY person_key, group_code),
-- A person with several records in a source counts with the first of them, so that breakdowns add up.
record AS (
    SELECT
        record.*, source.group_code, source.data_as_at,
        record.person_key IS NOT NULL AND row_number() OVER (
            PARTITION BY record.agency_code, record.dataset_code, record.person_key ORDER BY record.record_pseudonym
        ) = 1 AS is_first
    FROM core.person_record AS record JOIN source USING (agency_code, dataset_code)
),
met AS (
    SELECT
        record.agency_code, record.dataset_code, record.group_code, to_group.group_code AS to_group, record.data_as_at,
        core.sex_label(record.sex_code) AS sex,
        core.age_band(core.age_on_31_august(record.birth_month, record.data_as_at)) AS age_band,
        core.ethnicity_group(record.ethnicity_code) AS ethnicity_group,
        core.deprivation_fifth(geography.imd_decile) AS deprivation_fifth, count(*) AS records,
        count(*) FILTER (WHERE record.is_first) AS persons,
        count(*) FILTER (WHERE coalesce(known_in.sources, 0) > (to_group.group_code = record.group_code)::integer) AS matched
    FROM record
    CROSS JOIN (SELECT DISTINCT group_code FROM source) AS to_group
    LEFT JOIN known_in ON known_in.person_key = record.person_key AND known_in.group_code = to_group.group_code
    LEFT JOIN core.geography AS geography ON geography.lsoa21_code = record.lsoa21_code
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
)
SELECT
    :as_of AS time_period, agency_code, dataset_code, group_code, to_group, breakdown_topic, breakdown,
    sum(records)::integer AS records_count, sum(persons)::integer AS persons_count, sum(matched)::integer AS matched_count,
    round(100.0 * sum(matched) / sum(records), 2) AS matched_pct, max(data_as_at) AS data_as_at
FROM met
CROSS JOIN LATERAL (VALUES
    ('Total', 'Total'), ('Sex', sex), ('Age band', age_band), ('Ethnicity group', ethnicity_group),
    ('Deprivation fifth', deprivation_fifth)
) AS split (breakdown_topic, breakdown)
GROUP BY agency_code, dataset_code, group_code, to_group, breakdown_topic, breakdown
