-- analyst: pseudonymous facts and marts. Not the crosswalk, and nothing to write.
SELECT pg_temp.grant_to('analyst', 'USAGE ON SCHEMA core, mart');
SELECT pg_temp.grant_to('analyst', 'SELECT ON ALL TABLES IN SCHEMA core, mart');
SELECT pg_temp.grant_to('analyst', 'EXECUTE ON ALL FUNCTIONS IN SCHEMA core, mart');
SELECT pg_temp.later('core', 'SELECT ON TABLES', 'analyst');
SELECT pg_temp.later('mart', 'SELECT ON TABLES', 'analyst');
SELECT pg_temp.later('mart', 'EXECUTE ON FUNCTIONS', 'analyst');
