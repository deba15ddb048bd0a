-- Whose rows: of a table or view about people (person_key or record_pseudonym) in core and core_known, a reader sees those of
-- persons whose home is in an area of his own (role area_<health place>; area_all for every area), and what an agency
-- of his own sent (role agency_<code>), wherever the child lives. Whoever has neither sees nothing. Loader, owner and a role
-- of these files that logs in itself see every row. Found in the catalogue, so that new tables are covered: a table is
-- readable by nobody before the grants were applied to it, and then has its policy.
-- As in partnership.sees_area, session_user is asked, which SET ROLE does not change.
CREATE OR REPLACE FUNCTION core.sees_every_area() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN session_user IN ('loader', 'linker', 'analyst', 'commissioner', 'commissioner_exact', 'publisher')
    OR pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = 'core.person'::regclass), 'MEMBER')
    OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'area_all' AND pg_has_role(session_user, oid, 'MEMBER'));
COMMENT ON FUNCTION core.sees_every_area IS 'Whether who is logged in sees the rows of every area: a member of area_all, a role of sql/grants itself, the owner.';

CREATE OR REPLACE FUNCTION core.own(kind text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN coalesce((
    SELECT array_agg(substr(rolname, length(kind) + 2)) FROM pg_roles
    WHERE starts_with(rolname, kind || '_') AND pg_has_role(session_user, oid, 'MEMBER')
), '{}');
COMMENT ON FUNCTION core.own IS 'Codes, in small letters, of the areas (own(''area'')) or agencies (own(''agency'')) whose role the person logged in has.';

-- No person without a home in the area, and none who is known by a record alone that is tied to nobody.
CREATE OR REPLACE VIEW core.seen_person WITH (security_barrier) AS
SELECT person.person_key
FROM core.person AS person JOIN core.geography AS geography USING (lsoa21_code)
WHERE lower(geography.health_place_code) = ANY ((SELECT core.own('area'))::text[]);
COMMENT ON VIEW core.seen_person IS 'Grain: one person whose home is in an area of the person logged in (role area_<code>). Row security of core is asked here; who sees every area is not.';

DO $$
DECLARE
    t record;
    rule text;
BEGIN
    FOR t IN
        SELECT
            c.oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS relation,
            bool_or(a.attname = 'person_key') AS has_person, bool_or(a.attname = 'agency_code') AS has_agency,
            coalesce(c.reloptions @> '{security_barrier=true}', FALSE) AS is_guarded
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE n.nspname IN ('core', 'core_known') AND c.relkind IN ('r', 'p', 'v') AND c.relname <> 'seen_person'
        GROUP BY c.oid, n.nspname, c.relname HAVING bool_or(a.attname IN ('person_key', 'record_pseudonym'))
    LOOP
        -- Each function is asked once in a statement, and the persons are put into one hash.
        rule := '(SELECT core.sees_every_area())'
            || CASE WHEN t.has_person THEN ' OR person_key IN (SELECT seen.person_key FROM core.seen_person AS seen)' ELSE '' END
            || CASE WHEN t.has_agency THEN ' OR agency_code = ANY ((SELECT core.own(''agency''))::text[])' ELSE '' END;
        IF t.relkind = 'v' THEN
            CONTINUE WHEN t.is_guarded;
            -- Views read in their owner's name, since they are made of columns that are for named people: the rule is in them.
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
-- A provider that only facts name is known to who sees such a fact.
ALTER VIEW core.dim_provider SET (security_invoker = true);
SELECT pg_temp.grant_to('loader', 'EXECUTE ON ALL FUNCTIONS IN SCHEMA core');
