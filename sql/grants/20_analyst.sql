-- analyst: pseudonymous facts and marts, to read; by ward and school year. Not the crosswalk.
-- Of a table or view about people, the small area, the month of birth and exact dates are apart, for named people:
-- analyst_lsoa, analyst_birth_month, analyst_dates. Found in the catalogue, so that new tables are covered; tables made
-- since are read once the grants have been applied again, which any command does.
SELECT pg_temp.grant_to('analyst', 'USAGE ON SCHEMA core, core_known, mart, mart_as_of, mart_known, partnership');
DO $$
DECLARE t record;
BEGIN
    FOR t IN
        SELECT about.relation, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns, kind.reader
        FROM (
            SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS relation,
                bool_or(k.attname IN ('record_pseudonym', 'person_key')) AS is_about_people
            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            JOIN pg_attribute AS k ON k.attrelid = c.oid AND k.attnum > 0 AND NOT k.attisdropped
            WHERE n.nspname IN ('core', 'core_known') AND c.relkind IN ('r', 'p', 'v') GROUP BY c.oid, n.nspname, c.relname
        ) AS about
        JOIN pg_attribute AS a ON a.attrelid = about.oid AND a.attnum > 0 AND NOT a.attisdropped
        CROSS JOIN LATERAL (SELECT CASE
            WHEN NOT about.is_about_people THEN 'analyst'
            WHEN a.attname LIKE 'lsoa%' THEN 'analyst_lsoa'
            WHEN a.attname = 'birth_month' THEN 'analyst_birth_month'
            WHEN a.attname LIKE '%\_date' OR a.attname IN ('valid_from', 'valid_to') THEN 'analyst_dates'
            -- Of a spell they are its first and last day, by another name.
            WHEN about.relation LIKE '%\_spell' AND a.attname LIKE '%\_seen\_on' THEN 'analyst_dates'
            ELSE 'analyst' END AS reader) AS kind
        GROUP BY about.relation, kind.reader
    LOOP
        PERFORM pg_temp.grant_to(t.reader, format('SELECT (%s) ON %s', t.columns, t.relation));
    END LOOP;
END $$;
SELECT pg_temp.grant_to('analyst', 'SELECT ON ALL TABLES IN SCHEMA mart, mart_known, partnership');
SELECT pg_temp.grant_to('analyst', 'EXECUTE ON ALL FUNCTIONS IN SCHEMA core, mart');
SELECT pg_temp.grant_to('analyst', 'EXECUTE ON FUNCTION partnership.sees_area');
SELECT pg_temp.later('mart', 'SELECT ON TABLES', 'analyst');
SELECT pg_temp.later('partnership', 'SELECT ON TABLES', 'analyst');
SELECT pg_temp.later('mart', 'EXECUTE ON FUNCTIONS', 'analyst');
-- The past is for analysts alone: two nights of small counts side by side tell of one child.
SELECT pg_temp.later('mart_known', 'SELECT ON TABLES', 'analyst');
-- A mart for another day is worked out in the owner's name, since it reads what is for named people; and is for analysts
-- alone, as two nights are. Row security is asked inside.
SELECT pg_temp.grant_to('analyst', 'EXECUTE ON ALL FUNCTIONS IN SCHEMA mart_as_of');
SELECT pg_temp.later('mart_as_of', 'EXECUTE ON FUNCTIONS', 'analyst');
