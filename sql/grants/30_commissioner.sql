-- commissioner: marts, to read.
SELECT pg_temp.grant_to('commissioner', 'USAGE ON SCHEMA mart');
SELECT pg_temp.grant_to('commissioner', 'SELECT ON ALL TABLES IN SCHEMA mart');
SELECT pg_temp.grant_to('commissioner', 'EXECUTE ON ALL FUNCTIONS IN SCHEMA mart');
SELECT pg_temp.later('mart', 'SELECT ON TABLES', 'commissioner');
SELECT pg_temp.later('mart', 'EXECUTE ON FUNCTIONS', 'commissioner');
