-- The roles, and nothing for everybody else. roles.yaml says what each is for and how much it may ask.
-- Where this user may not create roles and nobody made them, they are left out: a role that is not there reads nothing.
DO $$
DECLARE reader text;
BEGIN
    FOREACH reader IN ARRAY ARRAY['loader', 'linker', 'analyst', 'analyst_lsoa', 'analyst_birth_month', 'analyst_dates',
        'commissioner', 'commissioner_exact', 'publisher', 'area_all'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = reader) THEN
            EXECUTE format('CREATE ROLE %I', reader);
            EXECUTE format('GRANT %I TO CURRENT_USER', reader);
        END IF;
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'this user may not create roles; ask for those in sql/grants/roles.yaml';
END $$;

-- grant_to('analyst', 'SELECT ON ...'): GRANT ... TO analyst, where there is such a role.
CREATE OR REPLACE FUNCTION pg_temp.grant_to(reader text, what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = reader) THEN
        EXECUTE format('GRANT %s TO %I', what, reader);
    END IF;
END $$;

-- later('mart', 'SELECT ON TABLES', 'analyst'): the same for tables that are made later in a schema.
CREATE OR REPLACE FUNCTION pg_temp.later(in_schema text, what text, reader text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = reader) THEN
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT %s TO %I', in_schema, what, reader);
    END IF;
END $$;

-- Start from nothing, so that a right taken out of these files is taken away.
DO $$
DECLARE reader text; room text;
BEGIN
    FOR reader IN SELECT 'PUBLIC' UNION ALL SELECT quote_ident(rolname) FROM pg_roles
                  WHERE rolname IN ('loader', 'linker', 'analyst', 'analyst_lsoa', 'analyst_birth_month', 'analyst_dates',
                      'commissioner', 'commissioner_exact', 'publisher')
    LOOP
        FOR room IN SELECT nspname FROM pg_namespace
                    WHERE nspname IN ('ops', 'link', 'core', 'core_history', 'core_known', 'core_as_of', 'mart', 'mart_as_of',
                        'mart_history', 'mart_known',
                        'partnership', 'publish', 'staging') LOOP
            EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %s', room, reader);
            EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %s', room, reader);
            EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM %s', room, reader);
            EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA %I FROM %s', room, reader);
            EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON TABLES FROM %s', room, reader);
            EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON SEQUENCES FROM %s', room, reader);
            EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON FUNCTIONS FROM %s', room, reader);
        END LOOP;
    END LOOP;
    FOR reader IN SELECT quote_ident(rolname) FROM pg_roles
                  WHERE rolname IN ('loader', 'linker', 'analyst', 'commissioner', 'commissioner_exact', 'publisher')
    LOOP
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %s', current_database(), reader);
    END LOOP;
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
