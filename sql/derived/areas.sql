-- Whose rows: each table of core about persons says in home_area_code in which area (health place) the home of its row's
-- person is today, so that row security (sql/grants/15_rows.sql) asks each row and nothing else. The refresh keeps it
-- (pipelines/integrate/areas.py); a table that a migration makes is given it here. No fact: it has no recorded time.
-- Left out: core.key_draw, which the linker hands over as it is.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN
        SELECT c.oid, c.relname, bool_or(a.attname = 'home_area_code') AS is_given, bool_or(a.attname = 'agency_code') AS has_agency
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'core'::regnamespace AND c.relkind = 'r' AND c.relname <> 'key_draw'
        GROUP BY c.oid, c.relname HAVING bool_or(a.attname = 'person_key')
    LOOP
        CONTINUE WHEN t.is_given;
        EXECUTE format('ALTER TABLE core.%I ADD COLUMN home_area_code text', t.relname);
        EXECUTE format('UPDATE core.%I AS t SET home_area_code = place.health_place_code
            FROM core.person AS person JOIN core.geography AS place USING (lsoa21_code) WHERE person.person_key = t.person_key', t.relname);
        -- What the rule asks lies beside the person, so that a query that needs nothing else of the row need not fetch it.
        IF t.has_agency THEN
            EXECUTE format('DROP INDEX IF EXISTS core.%I', t.relname || '_person_key_idx');
            EXECUTE format('CREATE INDEX %I ON core.%I (person_key) INCLUDE (home_area_code, agency_code)', t.relname || '_person_key_idx', t.relname);
        END IF;
    END LOOP;
END $$;

-- Who is logged in: as in partnership.sees_area, session_user is asked, which SET ROLE does not change.
CREATE OR REPLACE FUNCTION core.sees_every_area() RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN session_user IN ('loader', 'linker', 'analyst', 'commissioner', 'commissioner_exact', 'publisher')
    OR pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = 'core.person'::regclass), 'MEMBER')
    OR EXISTS (SELECT FROM pg_roles WHERE rolname = 'area_all' AND pg_has_role(session_user, oid, 'MEMBER'));
COMMENT ON FUNCTION core.sees_every_area IS 'Whether who is logged in sees the rows of every area: a member of area_all, a role of sql/grants itself, the owner.';

CREATE OR REPLACE FUNCTION core.own_codes(kind text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN coalesce((
    SELECT array_agg(substr(rolname, length(kind) + 2)) FROM pg_roles
    WHERE starts_with(rolname, kind || '_') AND pg_has_role(session_user, oid, 'MEMBER')
), '{}');
COMMENT ON FUNCTION core.own_codes IS 'Codes, in small letters, of the areas (area) or agencies (agency) whose role the person logged in has.';

CREATE OR REPLACE FUNCTION core.own_areas() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN coalesce((
    SELECT array_agg(DISTINCT health_place_code) FROM core.geography
    WHERE lower(health_place_code) = ANY ((SELECT core.own_codes('area'))::text[])
), '{}');
COMMENT ON FUNCTION core.own_areas IS 'Health places whose area role the person logged in has.';

-- Replaced and not dropped: policies ask it.
CREATE OR REPLACE VIEW core.seen_person WITH (security_barrier = true) AS
SELECT person_key FROM core.person WHERE home_area_code = ANY ((SELECT core.own_areas())::text[]);
COMMENT ON VIEW core.seen_person IS 'Grain: one person whose home is in an area of the person logged in (role area_<code>). Asked by row security where a row has no home_area_code.';
