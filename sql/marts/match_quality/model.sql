-- mart.match_quality
-- Grain: source x group or source met x breakdown. Key: see mart.yaml. Owner: linker.
WITH source AS (SELECT agency_code, dataset_code, group_code, least(:as_of, data_as_at) AS data_as_at
    FROM core.source WHERE is_about_people
),
known AS (
    SELECT DISTINCT record.person_key, source.agency_code, source.dataset_code, source.group_code
    FROM core.person_record AS record JOIN source USING (agency_code, dataset_code)
    WHERE record.person_key IS NOT NULL
),
-- Groups in which a person is known by how many sources; its own source does not count for itself.
known_in AS (
    SELECT person_key, string_agg(group_code, ' ' ORDER BY group_code) AS in_groups,
        string_agg(group_code, ' ' ORDER BY group_code) FILTER (WHERE sources > 1) AS by_several
    FROM (SELECT person_key, group_code, count(*) AS sources FROM known GROUP BY person_key, group_code) AS of_group
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
    SELECT agency_code, dataset_code, record_pseudonym, min(place) AS place
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
    ) AS spell JOIN source USING (agency_code, dataset_code)
    WHERE spell.start_date <= source.data_as_at AND (spell.end_date IS NULL OR spell.end_date > source.data_as_at)
    GROUP BY agency_code, dataset_code, record_pseudonym
),
says AS (
    SELECT
        source.*, EXISTS (SELECT 1 FROM core.sen_need WHERE (agency_code, dataset_code) = (source.agency_code, source.dataset_code))
        OR EXISTS (SELECT 1 FROM core.ehc_plan WHERE (agency_code, dataset_code) = (source.agency_code, source.dataset_code)
            AND primary_need_code IS NOT NULL) AS says_need,
        group_code = 'social_care' AS says_care
    FROM source
),
-- A person with several records in a source counts with the first of them, so that breakdowns add up.
record AS (
    SELECT
        record.*, says.group_code, says.data_as_at,
        CASE WHEN says.says_need THEN coalesce(need.need_code, 'None recorded') END AS need,
        CASE WHEN says.says_care THEN coalesce(
            (ARRAY['Looked after', 'Child protection plan', 'Child in need', 'Care leaver', 'Early help'])[care.place], 'None recorded'
        ) END AS care,
        record.person_key IS NOT NULL AND row_number() OVER (
            PARTITION BY record.agency_code, record.dataset_code, record.person_key ORDER BY record.record_pseudonym
        ) = 1 AS is_first
    FROM core.person_record AS record JOIN says USING (agency_code, dataset_code)
    LEFT JOIN need USING (agency_code, dataset_code, record_pseudonym)
    LEFT JOIN care USING (agency_code, dataset_code, record_pseudonym)
),
-- Records alike in all that is counted by, and in how many sources of each group know them: few, and looked at once.
alike AS (
    SELECT
        record.world, record.agency_code, record.dataset_code, record.group_code, record.data_as_at, known_in.in_groups, known_in.by_several,
        core.sex_label(record.sex_code) AS sex,
        core.age_band(core.age_on_31_august(record.birth_month, record.data_as_at)) AS age_band,
        core.ethnicity_group(record.ethnicity_code) AS ethnicity_group,
        core.deprivation_fifth(geography.imd_decile) AS deprivation_fifth, record.need, record.care, count(*) AS records,
        count(*) FILTER (WHERE record.is_first) AS persons
    FROM record
    LEFT JOIN known_in USING (person_key)
    LEFT JOIN core.geography AS geography ON geography.lsoa21_code = record.lsoa21_code
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
),
met AS (
    SELECT
        alike.*, to_group.group_code AS to_group,
        CASE WHEN to_group.group_code = ANY (string_to_array(
            CASE to_group.group_code WHEN alike.group_code THEN by_several ELSE in_groups END, ' '
        )) THEN records ELSE 0 END AS matched
    FROM alike CROSS JOIN (SELECT DISTINCT group_code FROM source) AS to_group
),
-- The same between two sources, in total.
counted AS (
    SELECT world, agency_code, dataset_code, group_code, data_as_at, sum(records) AS records, sum(persons) AS persons
    FROM alike GROUP BY world, agency_code, dataset_code, group_code, data_as_at
),
shared AS (
    SELECT
        record.world, record.agency_code, record.dataset_code, known.agency_code AS to_agency_code, known.dataset_code AS to_dataset_code,
        count(*) AS matched
    FROM core.person_record AS record JOIN known USING (person_key)
    GROUP BY record.world, record.agency_code, record.dataset_code, known.agency_code, known.dataset_code
),
met_source AS (
    SELECT
        counted.world, counted.agency_code, counted.dataset_code, counted.group_code, other.group_code AS to_group,
        other.agency_code AS to_agency_code, other.dataset_code AS to_dataset_code, counted.data_as_at, counted.records,
        counted.persons, coalesce(shared.matched, 0) AS matched
    FROM counted
    JOIN source AS other ON (other.agency_code, other.dataset_code) <> (counted.agency_code, counted.dataset_code)
    LEFT JOIN shared
        ON (shared.world, shared.agency_code, shared.dataset_code) = (counted.world, counted.agency_code, counted.dataset_code)
        AND (shared.to_agency_code, shared.to_dataset_code) = (other.agency_code, other.dataset_code)
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
