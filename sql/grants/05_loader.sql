-- loader: facts in and out of the warehouse, and the ledger. Never the crosswalk.
SELECT pg_temp.grant_to('loader', 'USAGE ON SCHEMA ops, staging, core, core_history, mart, mart_history');
SELECT pg_temp.grant_to('loader', 'SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA
    ops, staging, core, core_history, mart, mart_history');
SELECT pg_temp.grant_to('loader', 'USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ops');
SELECT pg_temp.later('ops', 'SELECT, INSERT, UPDATE, DELETE ON TABLES', 'loader');
SELECT pg_temp.later('core', 'SELECT, INSERT, UPDATE, DELETE ON TABLES', 'loader');
SELECT pg_temp.later('mart', 'SELECT, INSERT, UPDATE, DELETE ON TABLES', 'loader');
SELECT pg_temp.later('core_history', 'SELECT, INSERT, UPDATE, DELETE ON TABLES', 'loader');
SELECT pg_temp.later('mart_history', 'SELECT, INSERT, UPDATE, DELETE ON TABLES', 'loader');
