-- mart.match_quality
-- Grain: source x group or source met x breakdown. Key: see mart.yaml. Owner: linker.
-- Sources and groups are numbers and bits until the end. Records join their source from the left, and those of none fall
-- out at the end: taken for a choice of records, agency and dataset would seem to choose much fewer than they do.
WITH source AS MATERIALIZED (
    SELECT
        one.agency_code, one.dataset_code, one.group_code, least(:as_of, one.data_as_at) AS data_as_at,
        row_number() OVER sources::integer AS source_number,
        set_bit(repeat('0', count(*) OVER ()::integer)::varbit, (row_number() OVER sources - 1)::integer, 1) AS source_bit,
        (one.agency_code, one.dataset_code) IN (
            SELECT agency_code, dataset_code FROM core.sen_need
            UNION SELECT agency_code, dataset_code FROM core.ehc_plan WHERE primary_need_code IS NOT NULL
        ) AS says_need,
        one.group_code = 'social_care' AS says_care
    FROM core.source AS one WHERE one.is_about_people
    WINDOW sources AS (ORDER BY one.agency_code, one.dataset_code)
),
to_group AS MATERIALIZED (
    SELECT group_code AS to_group, 1 << (row_number() OVER (ORDER BY group_code) - 1)::integer AS group_bit, bit_or(source_bit) AS sources
    FROM source GROUP BY group_code
),
-- Persons are many, the sets of sources that know one are few: whom a record meets is looked up once for each set.
known AS MATERIALIZED (
    SELECT world, person_key, records, sources, dense_rank() OVER (ORDER BY sources) AS set_number
    FROM (
        SELECT record.world, record.person_key, count(*) AS records, bit_or(source.source_bit) AS sources
        FROM core.person_record AS record LEFT JOIN source USING (agency_code, dataset_code)
        WHERE record.person_key IS NOT NULL
        GROUP BY record.world, record.person_key
    ) AS by_person
),
-- Each source of a set, and as bits the groups in which there is another.
member AS MATERIALIZED (
    SELECT
        set.set_number, set.sources, source.source_number,
        (SELECT coalesce(bit_or(to_group.group_bit), 0) FROM to_group
            WHERE bit_count(set.sources & to_group.sources & ~source.source_bit) > 0) AS meets
    FROM (SELECT DISTINCT ON (set_number) set_number, sources FROM known ORDER BY set_number) AS set
    JOIN source ON bit_count(set.sources & source.source_bit) > 0
),
-- A person with several records in a source counts with the first of them, so that breakdowns add up.
again AS MATERIALIZED (
    SELECT known.world, known.person_key, known.set_number, source.source_number, count(*) - 1 AS more, min(record.record_pseudonym) AS first_record
    FROM (SELECT * FROM known WHERE records > bit_count(sources)) AS known
    JOIN (
        -- Few: named one by one, they are looked up.
        SELECT * FROM core.person_record AS one
        WHERE one.person_key = ANY (ARRAY(SELECT person_key FROM known WHERE records > bit_count(sources)))
    ) AS record USING (person_key)
    JOIN source USING (agency_code, dataset_code)
    GROUP BY known.world, known.person_key, known.set_number, source.source_number HAVING count(*) > 1
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
-- Records alike in all that is counted by, and in which groups they meet another source: few, and looked at once.
-- What a code or number says is put into words when they are few: narrow rows are grouped in memory.
alike AS MATERIALIZED (
    SELECT
        record.world, source.source_number, coalesce(member.meets, 0) AS meets, record.sex_code,
        core.age_band(core.age_on_31_august(record.birth_month, source.data_as_at)) AS age_band,
        core.ethnicity_group(record.ethnicity_code) AS ethnicity_group, geography.imd_decile, need.need_code, care.place,
        count(*) AS records,
        count(record.person_key) FILTER (WHERE coalesce(record.record_pseudonym = again.first_record, TRUE)) AS persons
    FROM core.person_record AS record
    LEFT JOIN source USING (agency_code, dataset_code)
    LEFT JOIN need USING (agency_code, dataset_code, record_pseudonym)
    LEFT JOIN care USING (agency_code, dataset_code, record_pseudonym)
    LEFT JOIN known USING (person_key)
    LEFT JOIN member USING (set_number, source_number)
    LEFT JOIN again USING (person_key, source_number)
    LEFT JOIN core.geography AS geography ON geography.lsoa21_code = record.lsoa21_code
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
),
met AS (
    SELECT
        alike.world, alike.source_number, to_group.group_bit, alike.records, alike.persons, core.sex_label(alike.sex_code) AS sex,
        alike.age_band, alike.ethnicity_group, core.deprivation_fifth(alike.imd_decile) AS deprivation_fifth,
        CASE WHEN source.says_need THEN coalesce(alike.need_code, 'None recorded') END AS need,
        CASE WHEN source.says_care THEN coalesce(
            (ARRAY['Looked after', 'Child protection plan', 'Child in need', 'Care leaver', 'Early help'])[alike.place], 'None recorded'
        ) END AS care,
        CASE WHEN alike.meets & to_group.group_bit > 0 THEN records ELSE 0 END AS matched
    FROM alike JOIN source USING (source_number)
    -- Where worlds are counted, what meets nobody is nought and need not be said.
    JOIN to_group ON alike.world = 0 OR alike.meets & to_group.group_bit > 0
),
split AS (
    SELECT
        world, source_number, group_bit,
        CASE grouping(sex, age_band, ethnicity_group, deprivation_fifth, need, care)
            WHEN 63 THEN 'Total' WHEN 31 THEN 'Sex' WHEN 47 THEN 'Age band' WHEN 55 THEN 'Ethnicity group'
            WHEN 59 THEN 'Deprivation fifth' WHEN 61 THEN 'Need' WHEN 62 THEN 'Care status'
        END AS breakdown_topic,
        CASE grouping(sex, age_band, ethnicity_group, deprivation_fifth, need, care)
            WHEN 63 THEN 'Total' ELSE coalesce(sex, age_band, ethnicity_group, deprivation_fifth, need, care)
        END AS breakdown,
        sum(records) AS records, sum(persons) AS persons, sum(matched) AS matched
    FROM met
    GROUP BY
        world, source_number, group_bit,
        GROUPING SETS ((), (sex), (age_band), (ethnicity_group), (deprivation_fifth), (need), (care))
),
-- The same between two sources, in total.
counted AS (
    SELECT world, source_number, sum(records) AS records, sum(persons) AS persons FROM alike GROUP BY world, source_number
),
-- A pair that shares nobody is a finding as it stands, and nothing where worlds are counted.
shared AS (
    SELECT world, source_number, to_number, sum(records) AS matched
    FROM (
        SELECT known.world, one.source_number, other.source_number AS to_number, known.persons AS records
        FROM (SELECT world, set_number, count(*) AS persons FROM known GROUP BY world, set_number) AS known
        JOIN member AS one USING (set_number) JOIN member AS other USING (set_number)
        UNION ALL
        SELECT again.world, again.source_number, third.source_number AS to_number, again.more FROM again JOIN member AS third USING (set_number)
        UNION ALL
        SELECT 0, here.source_number, there.source_number AS to_number, 0 FROM source AS here CROSS JOIN source AS there
    ) AS pair
    WHERE source_number <> to_number
    GROUP BY world, source_number, to_number
),
met_source AS (
    SELECT
        shared.world, source.agency_code, source.dataset_code, source.group_code, met.group_code AS to_group,
        met.agency_code AS to_agency_code, met.dataset_code AS to_dataset_code, counted.records, counted.persons,
        shared.matched::integer AS matched_count, source.data_as_at
    FROM shared JOIN counted USING (world, source_number) JOIN source USING (source_number)
    JOIN source AS met ON met.source_number = shared.to_number
),
part AS (
    SELECT
        split.world, source.agency_code, source.dataset_code, source.group_code, to_group.to_group, 'ALL' AS to_agency_code,
        'ALL' AS to_dataset_code, split.breakdown_topic, split.breakdown, split.records, split.persons,
        split.matched::integer AS matched_count, source.data_as_at
    FROM split JOIN source USING (source_number) JOIN to_group USING (group_bit)
    WHERE split.breakdown IS NOT NULL
    UNION ALL
    SELECT
        world, agency_code, dataset_code, group_code, to_group, to_agency_code, to_dataset_code, 'Total', 'Total', records, persons,
        matched_count, data_as_at
    FROM met_source
)
SELECT
    :as_of AS time_period, agency_code, dataset_code, group_code, to_group, to_agency_code, to_dataset_code, breakdown_topic,
    breakdown, records::integer AS records_count, persons::integer AS persons_count, matched_count,
    round(100.0 * matched_count / records, 2) AS matched_pct, data_as_at
FROM part
