-- mart.match_quality
-- Grain: source x group or source met x breakdown. Key: see mart.yaml. Owner: linker.
-- Sources and groups are numbers until the end. Records join their source from the left, and those of none fall out at the
-- end: taken for a choice of records, agency and dataset would seem to choose much fewer than they do.
WITH source AS MATERIALIZED (
    SELECT
        one.agency_code, one.dataset_code, one.group_code, least(:as_of, one.data_as_at) AS data_as_at,
        row_number() OVER (ORDER BY one.agency_code, one.dataset_code)::integer AS source_number,
        1 << (dense_rank() OVER (ORDER BY one.group_code) - 1)::integer AS group_bit,
        EXISTS (SELECT 1 FROM core.sen_need WHERE (agency_code, dataset_code) = (one.agency_code, one.dataset_code))
        OR EXISTS (SELECT 1 FROM core.ehc_plan WHERE (agency_code, dataset_code) = (one.agency_code, one.dataset_code)
            AND primary_need_code IS NOT NULL) AS says_need,
        one.group_code = 'social_care' AS says_care
    FROM core.source AS one WHERE one.is_about_people
),
-- A person with several records in a source counts with the first of them, so that breakdowns add up.
known AS MATERIALIZED (
    SELECT
        record.world, record.person_key, source.source_number, source.group_bit, count(*) AS records,
        min(record.record_pseudonym) AS first_record
    FROM core.person_record AS record LEFT JOIN source USING (agency_code, dataset_code)
    WHERE record.person_key IS NOT NULL
    GROUP BY record.world, record.person_key, source.source_number, source.group_bit
),
again AS (SELECT person_key, source_number, first_record FROM known WHERE records > 1),
-- Groups in which a person is known, and those in which by several sources: its own does not count for itself.
known_in AS (
    SELECT person_key, bit_or(group_bit) AS in_groups, coalesce(bit_or(group_bit) FILTER (WHERE sources > 1), 0) AS by_several
    FROM (SELECT person_key, group_bit, count(*) AS sources FROM known GROUP BY person_key, group_bit) AS of_group
    GROUP BY person_key
),
-- What a source itself says of need and care: what another knows would be known of matched records alone.
need AS (
    SELECT DISTINCT ON (agency_code, dataset_code, record_pseudonym) agency_code, dataset_code, record_pseudonym, need_code
    FROM (
        SELECT agency_code, dataset_code, record_pseudonym, need_code, need_rank FROM core.sen_need
        UNION ALL
        SELECT agency_code, dataset_code, record_pseudonym, primary_need_code, 0 FROM core.ehc_plan
        WHERE is_active AND primary_need_code IS NOT NULL
    ) AS said
    ORDER BY agency_code, dataset_code, record_pseudonym, need_rank, need_code
),
care AS (
    SELECT
        agency_code, dataset_code, record_pseudonym, min(spell.place) FILTER (
            WHERE spell.start_date <= source.data_as_at AND (spell.end_date IS NULL OR spell.end_date > source.data_as_at)
        ) AS place
    FROM (
        SELECT agency_code, dataset_code, record_pseudonym, 1 AS place, start_date, end_date FROM core.looked_after_episode
        WHERE NOT is_short_break
        UNION ALL
        SELECT agency_code, dataset_code, record_pseudonym, 2, start_date, end_date FROM core.cp_plan
        UNION ALL
        SELECT agency_code, dataset_code, record_pseudonym, 3, referral_date, closure_date FROM core.cin_episode
        WHERE is_no_further_action IS NOT TRUE
        UNION ALL
        SELECT agency_code, dataset_code, record_pseudonym, 4, observed_on, NULL FROM core.care_leaver
        UNION ALL
        SELECT agency_code, dataset_code, record_pseudonym, 5, start_date, end_date FROM core.early_help_episode
    ) AS spell LEFT JOIN source USING (agency_code, dataset_code)
    GROUP BY agency_code, dataset_code, record_pseudonym
),
-- Records alike in all that is counted by, and in how many sources of each group know them: few, and looked at once.
-- What a code or number says is put into words when they are few: narrow rows are grouped in memory.
alike AS MATERIALIZED (
    SELECT
        record.world, source.source_number, known_in.in_groups, known_in.by_several, record.sex_code,
        core.age_band(core.age_on_31_august(record.birth_month, source.data_as_at)) AS age_band,
        core.ethnicity_group(record.ethnicity_code) AS ethnicity_group, geography.imd_decile, need.need_code, care.place,
        count(*) AS records,
        count(record.person_key) FILTER (WHERE coalesce(record.record_pseudonym = again.first_record, TRUE)) AS persons
    FROM core.person_record AS record
    LEFT JOIN source USING (agency_code, dataset_code)
    LEFT JOIN need USING (agency_code, dataset_code, record_pseudonym)
    LEFT JOIN care USING (agency_code, dataset_code, record_pseudonym)
    LEFT JOIN again USING (person_key, source_number)
    LEFT JOIN known_in USING (person_key)
    LEFT JOIN core.geography AS geography ON geography.lsoa21_code = record.lsoa21_code
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
),
met AS (
    SELECT
        alike.world, alike.records, alike.persons, source.agency_code, source.dataset_code, source.group_code, source.data_as_at,
        core.sex_label(alike.sex_code) AS sex, alike.age_band, alike.ethnicity_group,
        core.deprivation_fifth(alike.imd_decile) AS deprivation_fifth,
        CASE WHEN source.says_need THEN coalesce(alike.need_code, 'None recorded') END AS need,
        CASE WHEN source.says_care THEN coalesce(
            (ARRAY['Looked after', 'Child protection plan', 'Child in need', 'Care leaver', 'Early help'])[alike.place], 'None recorded'
        ) END AS care, to_group.group_code AS to_group,
        CASE WHEN CASE to_group.group_code WHEN source.group_code THEN by_several ELSE in_groups END & to_group.group_bit > 0
            THEN records ELSE 0 END AS matched
    FROM alike JOIN source USING (source_number) CROSS JOIN (SELECT DISTINCT group_code, group_bit FROM source AS there) AS to_group
),
-- The same between two sources, in total.
counted AS (
    SELECT world, source_number, sum(records) AS records, sum(persons) AS persons FROM alike GROUP BY world, source_number
),
shared AS (
    SELECT one.world, one.source_number, other.source_number AS to_source_number, sum(one.records) AS matched
    FROM known AS one JOIN known AS other USING (person_key)
    GROUP BY one.world, one.source_number, other.source_number
),
met_source AS (
    SELECT
        counted.world, source.agency_code, source.dataset_code, source.group_code, other.group_code AS to_group,
        other.agency_code AS to_agency_code, other.dataset_code AS to_dataset_code, source.data_as_at, counted.records,
        counted.persons, coalesce(shared.matched, 0) AS matched
    FROM counted JOIN source USING (source_number)
    JOIN source AS other ON other.source_number <> source.source_number
    LEFT JOIN shared
        ON shared.world = counted.world AND shared.source_number = source.source_number
        AND shared.to_source_number = other.source_number
),
part AS (
    SELECT
        world, agency_code, dataset_code, group_code, to_group, 'ALL' AS to_agency_code, 'ALL' AS to_dataset_code, breakdown_topic,
        breakdown, sum(records) AS records, sum(persons) AS persons, sum(matched)::integer AS matched_count,
        max(data_as_at) AS data_as_at
    FROM met
    CROSS JOIN LATERAL (VALUES
        ('Total', 'Total'), ('Sex', sex), ('Age band', age_band), ('Ethnicity group', ethnicity_group),
        ('Deprivation fifth', deprivation_fifth), ('Need', need), ('Care status', care)
    ) AS split (breakdown_topic, breakdown)
    WHERE breakdown IS NOT NULL
    GROUP BY world, agency_code, dataset_code, group_code, to_group, breakdown_topic, breakdown
    UNION ALL
    SELECT
        world, agency_code, dataset_code, group_code, to_group, to_agency_code, to_dataset_code, 'Total', 'Total', records, persons,
        matched::integer, data_as_at
    FROM met_source
)
SELECT
    :as_of AS time_period, agency_code, dataset_code, group_code, to_group, to_agency_code, to_dataset_code, breakdown_topic,
    breakdown, records::integer AS records_count, persons::integer AS persons_count, matched_count,
    round(100.0 * matched_count / records, 2) AS matched_pct, data_as_at
FROM part
