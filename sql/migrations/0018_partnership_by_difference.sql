-- The partnership's copy follows the marts row by row, inside the refresh: nobody waits for it, and nobody sees the one without
-- the other. A copy is made anew, and locked, only where the columns of its mart changed.
DROP FUNCTION partnership.refresh(date);
CREATE FUNCTION partnership.refresh(day date, made_again text[] DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    -- Marts that count rows and days, not children.
    open_marts CONSTANT text[] := ARRAY['data_quality'];
    t record;
    made integer := 0;
    is_there boolean;
BEGIN
    FOR t IN
        SELECT
            m.relname AS mart, m.oid,
            string_agg(format('%I %s', a.attname, n.type), ', ' ORDER BY a.attnum) AS columns,
            string_agg(CASE
                WHEN m.relname = ANY (open_marts) OR k.attnum IS NOT NULL OR NOT n.is_number THEN format('%I', a.attname)
                WHEN a.attname LIKE '%\_count' THEN format('partnership.shown(%1$I::numeric, counts)::%2$s AS %1$I', a.attname, n.type)
                ELSE format('partnership.derived(%1$I::numeric, counts)::%2$s AS %1$I', a.attname, n.type)
            END, ', ' ORDER BY a.attnum) AS cells,
            coalesce(string_agg(format('%I::numeric', a.attname), ', ' ORDER BY a.attnum)
                FILTER (WHERE n.is_number AND k.attnum IS NULL AND a.attname LIKE '%\_count'), '') AS counts,
            (SELECT string_agg(format('%I %s', c.attname, format_type(c.atttypid, c.atttypmod)), ', ' ORDER BY c.attnum) FROM pg_attribute AS c
                WHERE c.attrelid = to_regclass(format('partnership.%I', m.relname)) AND c.attnum > 0 AND NOT c.attisdropped) AS there,
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
        CONTINUE WHEN t.there IS NOT NULL AND t.mart <> ALL (made_again);
        is_there := coalesce(t.columns = t.there, FALSE);
        EXECUTE format('CREATE TEMP TABLE coming ON COMMIT DROP AS SELECT %s FROM mart.%I CROSS JOIN LATERAL (SELECT ARRAY[%s]::numeric[] AS counts) AS c',
            t.cells, t.mart, t.counts);
        IF t.has_levels THEN
            IF is_there AND EXISTS (SELECT FROM partnership.frozen AS f WHERE f.mart = t.mart AND f.month = date_trunc('month', day)) THEN
                DELETE FROM pg_temp.coming WHERE geographic_level NOT IN ('area', 'health_place');
                EXECUTE format('INSERT INTO pg_temp.coming SELECT * FROM partnership.%I WHERE geographic_level NOT IN (''area'', ''health_place'')', t.mart);
            ELSE
                INSERT INTO partnership.frozen VALUES (t.mart, date_trunc('month', day))
                ON CONFLICT (mart) DO UPDATE SET month = excluded.month;
            END IF;
        END IF;
        IF is_there THEN
            EXECUTE format('DELETE FROM partnership.%I AS was WHERE was::text NOT IN (SELECT is_::text FROM pg_temp.coming AS is_)', t.mart);
            EXECUTE format('INSERT INTO partnership.%1$I SELECT * FROM pg_temp.coming AS is_
                WHERE is_::text NOT IN (SELECT was::text FROM partnership.%1$I AS was)', t.mart);
        ELSE
            EXECUTE format('DROP TABLE IF EXISTS partnership.%I', t.mart);
            EXECUTE format('CREATE TABLE partnership.%I AS SELECT * FROM pg_temp.coming', t.mart);
        END IF;
        DROP TABLE pg_temp.coming;
        EXECUTE format('COMMENT ON TABLE partnership.%I IS %L', t.mart, obj_description(t.oid, 'pg_class'));
        IF t.has_place OR (t.has_area AND t.has_levels) THEN
            PERFORM partnership.guard(format('partnership.%I', t.mart)::regclass, t.has_levels AND t.has_area);
            PERFORM partnership.guard(t.oid::regclass, t.has_levels AND t.has_area);
        END IF;
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
COMMENT ON FUNCTION partnership.refresh IS 'Brings the partnership''s copy of the marts named, of all without names, to what they show, in the caller''s transaction; how many.';
COMMENT ON SCHEMA partnership IS 'The marts for the partnership: counts under 5 are empty, wards stand still for a month. Made from mart within each refresh.';
