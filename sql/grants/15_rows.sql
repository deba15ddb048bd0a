-- Whose rows: of a table or view about people (person_key or record_pseudonym) in core and core_known, a reader sees those of
-- persons whose home is in an area of his own (role area_<health place>; area_all for every area), and what an agency
-- of his own sent (role agency_<code>), wherever the child lives. Whoever has neither sees nothing. Loader, owner and a role
-- of these files that logs in itself see every row. Found in the catalogue, so that new tables are covered: a table is
-- readable by nobody before the grants were applied to it, and then has its policy. What is asked of who is logged in is in
-- sql/derived/areas.sql.
DO $$
DECLARE
    t record;
    rule text;
BEGIN
    FOR t IN
        SELECT
            c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS relation, array_agg(a.attname) AS columns
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE n.nspname IN ('core', 'core_known') AND c.relkind IN ('r', 'p', 'v') AND c.relname <> 'seen_person'
        GROUP BY c.oid, n.nspname, c.relname HAVING bool_or(a.attname IN ('person_key', 'record_pseudonym'))
    LOOP
        -- Each function is asked once in a statement.
        rule := '(SELECT core.sees_every_area())' || CASE
            WHEN 'home_area_code' = ANY (t.columns) THEN ' OR home_area_code = ANY ((SELECT core.own_areas())::text[])'
            WHEN t.relation = 'core.person_profile' THEN ' OR health_place_code = ANY ((SELECT core.own_areas())::text[])'
            WHEN 'person_key' = ANY (t.columns) THEN ' OR person_key IN (SELECT seen.person_key FROM core.seen_person AS seen)'
            ELSE '' END || CASE
            WHEN 'agency_code' = ANY (t.columns) THEN ' OR agency_code = ANY ((SELECT core.own_codes(''agency''))::text[])'
            ELSE '' END;
        IF t.relkind = 'v' THEN
            -- Views read in their owner's name, since they are made of columns that are for named people: the rule is in them.
            -- sql/derived/ has just made them without it.
            EXECUTE format('CREATE OR REPLACE VIEW %s WITH (security_barrier = true) AS SELECT * FROM (%s) AS shown WHERE %s',
                t.relation, rtrim(pg_get_viewdef(t.oid), '; '), rule);
        ELSE
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t.relation);
            EXECUTE format('DROP POLICY IF EXISTS own_rows ON %s', t.relation);
            EXECUTE format('DROP POLICY IF EXISTS every_row ON %s', t.relation);
            IF to_regrole('analyst') IS NOT NULL THEN
                EXECUTE format('CREATE POLICY own_rows ON %s FOR SELECT TO analyst USING (%s)', t.relation, rule);
            END IF;
            IF to_regrole('loader') IS NOT NULL THEN
                EXECUTE format('CREATE POLICY every_row ON %s TO loader USING (TRUE)', t.relation);
            END IF;
        END IF;
    END LOOP;
END $$;
-- Marts and the partnership's copy have a rule of their own, from when they are made (pipelines/integrate/partnership.py); here
-- where a restore made them. The loader fills every row.
CREATE OR REPLACE FUNCTION partnership.guard(guarded regclass, has_levels boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
    IF NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = guarded AND polname = 'own_areas') THEN
        EXECUTE format('CREATE POLICY own_areas ON %s FOR SELECT USING (partnership.sees_area(%s))', guarded,
            CASE WHEN has_levels THEN 'geographic_level, area_code' ELSE '''health_place'', health_place_code' END);
    END IF;
    IF to_regrole('loader') IS NOT NULL AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = guarded AND polname = 'every_row') THEN
        EXECUTE format('CREATE POLICY every_row ON %s TO loader USING (TRUE)', guarded);
    END IF;
END $$;
SELECT partnership.guard(made.relation, made.has_levels)
FROM (
    SELECT
        a.attrelid::regclass AS relation, bool_or(a.attname = 'health_place_code') AS has_place,
        array_agg(a.attname::text) @> ARRAY['geographic_level', 'area_code'] AS has_levels
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace IN ('mart'::regnamespace, 'partnership'::regnamespace) AND c.relkind = 'r' GROUP BY a.attrelid
) AS made WHERE made.has_levels OR made.has_place;
-- What a mart showed: an expression that fails on a row would tell of it, so the view asks the rule first.
DO $$
DECLARE shown regclass;
BEGIN
    FOR shown IN SELECT oid FROM pg_class WHERE relnamespace = 'mart_known'::regnamespace AND relkind = 'v' LOOP
        EXECUTE format('ALTER VIEW %s SET (security_barrier = true)', shown);
    END LOOP;
END $$;
-- A provider that only facts name is known to who sees such a fact.
ALTER VIEW core.dim_provider SET (security_invoker = true);
SELECT pg_temp.grant_to('loader', 'EXECUTE ON ALL FUNCTIONS IN SCHEMA core');
