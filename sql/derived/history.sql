-- What core knew, and when. Made from core itself, again after every migration: a new table needs nothing more.
-- Each table of core says in recorded_from since when the warehouse has shown a row as it is. core_history.<table> keeps
-- the rows that it no longer shows, with the moment they went (recorded_to). core_known.<table> is the table as it was
-- shown at the moment of the setting joint_needs.as_known_at, with the person each record was then taken to be:
--     SET joint_needs.as_known_at = '2026-03-01 07:00';
-- Left out: core.key_draw, made anew by each run of the linker; what came of it is in the history of the marts.
CREATE OR REPLACE FUNCTION core.known_at() RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(nullif(current_setting('joint_needs.as_known_at', TRUE), '')::timestamptz, now());
COMMENT ON FUNCTION core.known_at IS 'The moment whose knowledge core_known and mart_known show: the setting joint_needs.as_known_at, else now.';

DO $$
DECLARE
    t record;
    c record;
    columns text;
BEGIN
    DROP SCHEMA IF EXISTS core_as_of, core_known CASCADE;
    CREATE SCHEMA core_known;
    COMMENT ON SCHEMA core_known IS 'The tables of core as they were shown at the moment of the setting joint_needs.as_known_at; without one, now.';
    CREATE SCHEMA IF NOT EXISTS core_history;
    COMMENT ON SCHEMA core_history IS 'Rows that core no longer shows, one table for each of core. Read them by core_known.';
    FOR t IN SELECT oid, relname FROM pg_class WHERE relnamespace = 'core'::regnamespace AND relkind = 'r' AND relname <> 'key_draw' ORDER BY relname LOOP
        IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = t.oid AND attname = 'recorded_from' AND NOT attisdropped) THEN
            EXECUTE format('ALTER TABLE core.%I ADD COLUMN recorded_from timestamptz NOT NULL DEFAULT now()', t.relname);
            EXECUTE format('COMMENT ON COLUMN core.%I.recorded_from IS %L', t.relname,
                'Since when the warehouse has shown this row as it is: recorded_at of a row of ops.refresh');
        END IF;
        IF to_regclass(format('core_history.%I', t.relname)) IS NULL THEN
            EXECUTE format('CREATE TABLE core_history.%I AS SELECT *, now() AS recorded_to FROM core.%I WITH NO DATA', t.relname, t.relname);
            EXECUTE format('CREATE INDEX ON core_history.%I (recorded_to)', t.relname);
            EXECUTE format('COMMENT ON TABLE core_history.%I IS %L', t.relname,
                format('Rows that core.%s showed from recorded_from until recorded_to, and does not show now.', t.relname));
        END IF;
        -- A column that core gained is empty in earlier rows; one whose type changed is cast; one that core lost is kept.
        FOR c IN
            SELECT now_.attname, format_type(now_.atttypid, now_.atttypmod) AS type_, then_.attname IS NULL AS is_new
            FROM pg_attribute AS now_
            LEFT JOIN pg_attribute AS then_ ON then_.attrelid = to_regclass(format('core_history.%I', t.relname))
                AND then_.attname = now_.attname AND NOT then_.attisdropped
            WHERE now_.attrelid = t.oid AND now_.attnum > 0 AND NOT now_.attisdropped
                AND (then_.attname IS NULL OR then_.atttypid <> now_.atttypid)
            ORDER BY now_.attnum
        LOOP
            IF c.is_new THEN
                EXECUTE format('ALTER TABLE core_history.%I ADD COLUMN %I %s', t.relname, c.attname, c.type_);
            ELSE
                EXECUTE format('ALTER TABLE core_history.%I ALTER COLUMN %I TYPE %s USING %2$I::text::%3$s', t.relname, c.attname, c.type_);
            END IF;
        END LOOP;
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns
        FROM pg_attribute WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped;
        EXECUTE format('CREATE VIEW core_known.%I AS SELECT %s FROM core.%I WHERE recorded_from <= core.known_at()
            UNION ALL SELECT %2$s FROM core_history.%1$I WHERE recorded_from <= core.known_at() AND recorded_to > core.known_at()',
            t.relname, columns, t.relname);
        EXECUTE format('COMMENT ON VIEW core_known.%I IS %L', t.relname,
            format('core.%s as it was shown at the moment of joint_needs.as_known_at.', t.relname));
    END LOOP;
END $$;
