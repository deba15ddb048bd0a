-- publisher: reads marts, writes what is published.
SELECT pg_temp.grant_to('publisher', 'USAGE ON SCHEMA mart, publish');
SELECT pg_temp.grant_to('publisher', 'SELECT ON ALL TABLES IN SCHEMA mart');
SELECT pg_temp.grant_to('publisher', 'EXECUTE ON ALL FUNCTIONS IN SCHEMA mart');
SELECT pg_temp.grant_to('publisher', 'SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA publish');
SELECT pg_temp.later('mart', 'SELECT ON TABLES', 'publisher');
SELECT pg_temp.later('mart', 'EXECUTE ON FUNCTIONS', 'publisher');
SELECT pg_temp.later('publish', 'SELECT, INSERT, UPDATE, DELETE ON TABLES', 'publisher');
SELECT pg_temp.grant_to('publisher', 'USAGE ON SCHEMA partnership');
SELECT pg_temp.grant_to('publisher', 'EXECUTE ON FUNCTION partnership.sees_area');
