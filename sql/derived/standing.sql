-- Core as it stood on another day, by what is known now (or at the moment of joint_needs.as_known_at): for those tables of
-- which core shows only what stands, the same columns as it would have shown then. The models of the marts, which speak of
-- what stands, are worked out on these for any day (mart_as_of, made where marts are made). Tables whose rows carry
-- their own dates need none of this: the models ask for the day. Dropped where core_known is, on which it is built.
CREATE SCHEMA core_as_of;
COMMENT ON SCHEMA core_as_of IS 'Tables of core as they stood on a day. For the functions of mart_as_of; nobody reads them directly.';

-- A function over the columns of core.<shown>: each as it is in the row t, or as `instead` says.
CREATE FUNCTION pg_temp.past_day(shown text, instead jsonb, rows_of text) RETURNS void LANGUAGE plpgsql AS $make$
DECLARE
    cells text;
BEGIN
    SELECT string_agg(coalesce(instead ->> attname, 't.' || quote_ident(attname)), ', ' ORDER BY attnum) INTO cells
    FROM pg_attribute WHERE attrelid = format('core.%I', shown)::regclass AND attnum > 0 AND NOT attisdropped;
    EXECUTE format('CREATE FUNCTION core_as_of.%1$I(day date) RETURNS SETOF core.%1$I LANGUAGE sql STABLE AS $f$ SELECT %2$s FROM %3$s $f$',
        shown, cells, rows_of);
    EXECUTE format('REVOKE ALL ON FUNCTION core_as_of.%I FROM PUBLIC', shown);
    EXECUTE format('COMMENT ON FUNCTION core_as_of.%1$I IS %2$L', shown, format('core.%s as it stood on a day.', shown));
END $make$;

-- The newest census on or before the day is the one that stands; a pupil on its roll is current.
SELECT pg_temp.past_day('enrolment', '{"is_current": "t.is_on_roll AND t.census_date = newest.census_date"}',
    'core_known.enrolment AS t JOIN (
        SELECT agency_code, max(census_date) AS census_date FROM core_known.enrolment WHERE census_date <= day GROUP BY agency_code
    ) AS newest USING (agency_code) WHERE t.census_date <= day');

SELECT pg_temp.past_day('sen_status', '{"observed_on": "least(t.last_seen_on, day)"}',
    'core_known.sen_status_spell AS t WHERE t.valid_from <= day AND (t.valid_to IS NULL OR t.valid_to > day)');
SELECT pg_temp.past_day('sen_need', '{"observed_on": "least(t.last_seen_on, day)"}',
    'core_known.sen_need_spell AS t WHERE t.valid_from <= day AND (t.valid_to IS NULL OR t.valid_to > day)');

-- In force from start to end; one that is not told of any more until the last return that had it in force. One without a
-- start is known from the day of the newest return.
SELECT pg_temp.past_day('ehc_plan', '{
    "is_active": "CASE WHEN day >= source.data_as_at THEN t.is_active ELSE t.start_date <= day AND (t.is_active OR coalesce(coalesce(t.cease_date, t.last_in_force_on + 1) > day, FALSE)) END",
    "cease_date": "CASE WHEN day >= source.data_as_at OR t.cease_date <= day THEN t.cease_date END",
    "cease_reason_code": "CASE WHEN day >= source.data_as_at OR t.cease_date <= day THEN t.cease_reason_code END",
    "last_in_force_on": "CASE WHEN day >= source.data_as_at OR t.last_in_force_on <= day THEN t.last_in_force_on END",
    "last_review_date": "CASE WHEN day >= source.data_as_at THEN t.last_review_date ELSE (SELECT max(review.review_date) FROM core_known.ehc_review AS review WHERE (review.agency_code, review.dataset_code, review.plan_ref) = (t.agency_code, t.dataset_code, t.plan_ref) AND review.review_date <= day) END"}',
    'core_known.ehc_plan AS t JOIN core_known.source AS source USING (agency_code, dataset_code)
    WHERE day >= source.data_as_at OR t.start_date <= day');

-- Of a day before the newest return the placements that lasted then, which nobody knew the end of.
SELECT pg_temp.past_day('ehc_placement', '{}', '(
        SELECT agency_code, dataset_code, record_pseudonym, person_key, submission_key, placement_ref, plan_ref, placement_rank, provider_urn,
            provider_ukprn, setting_code, provision_code, entry_date, leaving_date, home_area_code, recorded_from, TRUE AS is_newest
        FROM core_known.ehc_placement
        UNION ALL
        SELECT agency_code, dataset_code, record_pseudonym, person_key, submission_key, placement_ref, plan_ref, placement_rank, provider_urn,
            provider_ukprn, setting_code, provision_code, entry_date, NULL, home_area_code, recorded_from, FALSE
        FROM core_known.ehc_placement_spell WHERE valid_from <= day AND (valid_to IS NULL OR valid_to > day)
    ) AS t JOIN core_known.source AS source USING (agency_code, dataset_code) WHERE t.is_newest = (day >= source.data_as_at)');

-- What came of a referral after the day is not known yet.
SELECT pg_temp.past_day('referral', '{
    "closed_date": "CASE WHEN day >= t.observed_to OR t.closed_date <= day THEN t.closed_date END",
    "rejected_date": "CASE WHEN day >= t.observed_to OR t.rejected_date <= day THEN t.rejected_date END",
    "clock_stop_date": "CASE WHEN day >= t.observed_to OR t.clock_stop_date <= day THEN t.clock_stop_date END",
    "observed_to": "least(t.observed_to, day)"}',
    'core_known.referral AS t WHERE day >= t.observed_to OR t.received_date <= day');

-- A source of censuses speaks of its newest census day, and says nothing before its first; none speaks of a day to come.
SELECT pg_temp.past_day('source', '{"data_as_at": "CASE WHEN day < t.data_as_at THEN coalesce(census.newest, day) ELSE t.data_as_at END"}',
    'core_known.source AS t LEFT JOIN (
        SELECT agency_code, dataset_code, min(census_date) AS oldest, max(census_date) FILTER (WHERE census_date <= day) AS newest
        FROM core_known.enrolment GROUP BY agency_code, dataset_code
    ) AS census USING (agency_code, dataset_code) WHERE day >= t.data_as_at OR census.oldest IS NULL OR census.oldest <= day');
SELECT pg_temp.past_day('spoken_of', '{"table_name": "said.table_name"}',
    'core_as_of.source(day) AS t JOIN (SELECT table_name, agency_code, dataset_code FROM core.spoken_of) AS said USING (agency_code, dataset_code)');

-- With the home of that day; everything else of a person is what it is.
SELECT pg_temp.past_day('person_profile', '{
    "sex": "core.sex_label(t.sex_code)", "ethnicity_group": "core.ethnicity_group(t.ethnicity_code)",
    "deprivation_fifth": "core.deprivation_fifth(geography.imd_decile)", "lsoa21_code": "geography.lsoa21_code",
    "ward_code": "geography.ward_code", "health_place_code": "geography.health_place_code",
    "is_resident": "geography.lsoa21_code IS NOT NULL",
    "born_school_year": "extract(year FROM t.birth_month - interval ''8 months'')::integer"}',
    'core_known.person AS t LEFT JOIN (
        SELECT DISTINCT ON (spell.person_key) spell.person_key, spell.lsoa21_code
        FROM core_known.home_spell AS spell JOIN core_known.source AS source USING (agency_code, dataset_code)
            JOIN core_known.person_record AS record USING (agency_code, dataset_code, record_pseudonym)
        WHERE spell.valid_from <= day AND (spell.valid_to IS NULL OR spell.valid_to > day)
        ORDER BY spell.person_key, array_position(ARRAY[''education'', ''social_care'', ''health''], source.group_code),
            record.observed_on DESC, spell.agency_code, spell.dataset_code, spell.record_pseudonym
    ) AS home USING (person_key) LEFT JOIN core_known.geography AS geography ON geography.lsoa21_code = home.lsoa21_code');
DROP FUNCTION pg_temp.past_day;
