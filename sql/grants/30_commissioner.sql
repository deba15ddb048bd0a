-- commissioner: the partnership's copy of the marts, to read: counts under 5 are empty, wards stand still for a month.
SELECT pg_temp.grant_to('commissioner', 'USAGE ON SCHEMA partnership');
SELECT pg_temp.grant_to('commissioner', 'SELECT ON ALL TABLES IN SCHEMA partnership');
SELECT pg_temp.grant_to('commissioner', 'EXECUTE ON FUNCTION partnership.sees_area');
SELECT pg_temp.later('partnership', 'SELECT ON TABLES', 'commissioner');
