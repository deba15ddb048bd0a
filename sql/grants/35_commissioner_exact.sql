-- commissioner_exact: the marts themselves, with exact small cells: for named people, with a reason on record.
SELECT pg_temp.grant_to('commissioner_exact', 'USAGE ON SCHEMA mart, partnership');
SELECT pg_temp.grant_to('commissioner_exact', 'SELECT ON ALL TABLES IN SCHEMA mart, partnership');
SELECT pg_temp.grant_to('commissioner_exact', 'EXECUTE ON ALL FUNCTIONS IN SCHEMA mart');
SELECT pg_temp.grant_to('commissioner_exact', 'EXECUTE ON FUNCTION partnership.sees_area');
SELECT pg_temp.later('mart', 'SELECT ON TABLES', 'commissioner_exact');
SELECT pg_temp.later('partnership', 'SELECT ON TABLES', 'commissioner_exact');
SELECT pg_temp.later('mart', 'EXECUTE ON FUNCTIONS', 'commissioner_exact');
