-- Who sees what: named logins, membership in areas, and the partnership's own copy of the marts.
CREATE TABLE ops.login (
    login_key  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login      text NOT NULL,
    roles      text[] NOT NULL,
    granted_by text NOT NULL,
    reason     text NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    ended_by   text
);
COMMENT ON TABLE ops.login IS 'Every named login that was ever made: for whom, which roles, who granted it and why, until when. No password.';
CREATE UNIQUE INDEX ON ops.login (login) WHERE ended_at IS NULL;

CREATE SCHEMA partnership;
COMMENT ON SCHEMA partnership IS 'The marts for the partnership: counts under 5 are empty, wards stand still for a month. Made from mart after each refresh.';

CREATE TABLE partnership.frozen (
    mart  text PRIMARY KEY,
    month date NOT NULL
);
COMMENT ON TABLE partnership.frozen IS 'For which month the rows of wards of a mart stand still: who reads every night could otherwise subtract.';

-- session_user, not current_user: nobody can change it by SET ROLE. A role of sql/grants/ that logs in itself, and the
-- owner, see every area.
CREATE FUNCTION partnership.sees_area(geographic_level text, area_code text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN coalesce(area_code, 'ALL') IN ('ALL', 'unknown')
    OR session_user IN ('loader', 'linker', 'analyst', 'commissioner', 'commissioner_exact', 'publisher')
    OR pg_has_role(session_user, 'pg_database_owner', 'MEMBER')
    OR EXISTS (
        SELECT FROM pg_roles AS r
        WHERE pg_has_role(session_user, r.oid, 'MEMBER') AND r.rolname IN ('area_all', 'area_' || lower(coalesce(
            (SELECT g.health_place_code FROM core.geography AS g WHERE geographic_level = 'ward' AND g.ward_code = area_code LIMIT 1),
            area_code)))
    );
COMMENT ON FUNCTION partnership.sees_area IS 'Whether the person logged in belongs to the health place of a row, or to area_all.';

CREATE FUNCTION partnership.is_small(value numeric) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN value > 0 AND value < 5;

-- Of a row's counts: those under 5 are empty; where that is one alone, so is the smallest of the others, or what is left
-- would add up to it.
CREATE FUNCTION partnership.shown(value numeric, counts numeric[]) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN partnership.is_small(value) THEN NULL
    WHEN (SELECT count(*) FROM unnest(counts) AS c WHERE partnership.is_small(c)) = 1
        AND value = (SELECT min(c) FROM unnest(counts) AS c WHERE c >= 5) THEN NULL
    ELSE value
END;

-- What was worked out of a row's counts is empty where one of them is under 5.
CREATE FUNCTION partnership.derived(value numeric, counts numeric[]) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN NOT EXISTS (SELECT FROM unnest(counts) AS c WHERE partnership.is_small(c)) THEN value END;

CREATE FUNCTION partnership.refresh(day date) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    -- Marts that count rows and days, not children.
    open_marts CONSTANT text[] := ARRAY['data_quality'];
    t record;
    made integer := 0;
    is_frozen boolean;
BEGIN
    FOR t IN
        SELECT
            m.relname AS mart, m.oid,
            string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) AS columns,
            string_agg(CASE
                WHEN m.relname = ANY (open_marts) OR k.attnum IS NOT NULL OR NOT n.is_number THEN format('%I', a.attname)
                WHEN a.attname LIKE '%\_count' THEN format('partnership.shown(%1$I::numeric, counts)::%2$s AS %1$I', a.attname, n.type)
                ELSE format('partnership.derived(%1$I::numeric, counts)::%2$s AS %1$I', a.attname, n.type)
            END, ', ' ORDER BY a.attnum) AS cells,
            coalesce(string_agg(format('%I::numeric', a.attname), ', ' ORDER BY a.attnum)
                FILTER (WHERE n.is_number AND k.attnum IS NULL AND a.attname LIKE '%\_count'), '') AS counts,
            bool_or(a.attname = 'geographic_level') AS has_levels,
            bool_or(a.attname = 'area_code') AS has_area, bool_or(a.attname = 'health_place_code') AS has_place
        FROM pg_class AS m
        JOIN pg_attribute AS a ON a.attrelid = m.oid AND a.attnum > 0 AND NOT a.attisdropped
        CROSS JOIN LATERAL (SELECT
            format_type(a.atttypid, a.atttypmod) AS type,
            a.atttypid IN ('integer'::regtype, 'bigint'::regtype, 'numeric'::regtype, 'double precision'::regtype) AS is_number) AS n
        LEFT JOIN LATERAL (SELECT key.attnum FROM pg_index AS i, unnest(i.indkey) AS key(attnum)
            WHERE i.indrelid = m.oid AND i.indisprimary AND key.attnum = a.attnum) AS k ON TRUE
        WHERE m.relnamespace = 'mart'::regnamespace AND m.relkind = 'r'
        GROUP BY m.relname, m.oid ORDER BY m.relname
    LOOP
        EXECUTE format('CREATE TABLE partnership.coming AS SELECT %s FROM mart.%I CROSS JOIN LATERAL (SELECT ARRAY[%s]::numeric[] AS counts) AS c',
            t.cells, t.mart, t.counts);
        IF t.has_levels THEN
            is_frozen := EXISTS (SELECT FROM partnership.frozen AS f WHERE f.mart = t.mart AND f.month = date_trunc('month', day))
                AND t.columns = (SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) FROM pg_attribute
                    WHERE attrelid = to_regclass(format('partnership.%I', t.mart)) AND attnum > 0 AND NOT attisdropped);
            IF is_frozen THEN
                DELETE FROM partnership.coming WHERE geographic_level NOT IN ('area', 'health_place');
                EXECUTE format('INSERT INTO partnership.coming SELECT * FROM partnership.%I WHERE geographic_level NOT IN (''area'', ''health_place'')', t.mart);
            ELSE
                INSERT INTO partnership.frozen VALUES (t.mart, date_trunc('month', day))
                ON CONFLICT (mart) DO UPDATE SET month = excluded.month;
            END IF;
        END IF;
        EXECUTE format('DROP TABLE IF EXISTS partnership.%I', t.mart);
        EXECUTE format('ALTER TABLE partnership.coming RENAME TO %I', t.mart);
        EXECUTE format('COMMENT ON TABLE partnership.%I IS %L', t.mart, obj_description(t.oid, 'pg_class'));
        IF t.has_place OR (t.has_area AND t.has_levels) THEN
            PERFORM partnership.guard(format('partnership.%I', t.mart)::regclass, t.has_levels AND t.has_area);
            PERFORM partnership.guard(t.oid::regclass, t.has_levels AND t.has_area);
        END IF;
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION partnership.refresh IS 'Makes the partnership''s copy of every mart, in the caller''s transaction; how many.';

CREATE FUNCTION partnership.guard(guarded regclass, has_levels boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = guarded AND polname = 'own_areas') THEN
        RETURN;
    END IF;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY own_areas ON %s FOR SELECT USING (partnership.sees_area(%s))', guarded,
        CASE WHEN has_levels THEN 'geographic_level, area_code' ELSE '''health_place'', health_place_code' END);
END $$;

-- An analyst sees the school year a person was born in, not the month.
CREATE OR REPLACE VIEW core.person_profile AS
SELECT
    person.person_key, person.birth_month, core.sex_label(person.sex_code) AS sex,
    core.ethnicity_group(person.ethnicity_code) AS ethnicity_group, core.deprivation_fifth(geography.imd_decile) AS deprivation_fifth,
    geography.lsoa21_code, geography.ward_code, geography.health_place_code, geography.lsoa21_code IS NOT NULL AS is_resident,
    person.is_known_to_education, person.is_known_to_social_care, person.is_known_to_health,
    extract(year FROM person.birth_month - interval '8 months')::integer AS born_school_year
FROM core.person LEFT JOIN core.geography USING (lsoa21_code);
COMMENT ON COLUMN core.person_profile.born_school_year IS 'The calendar year in which the school year of birth began (September to August).';
