-- commissioner: the partnership's copy of the marts, to read: counts under 5 are empty, wards stand still for a month.
SELECT pg_temp.grant_to('commissioner', 'USAGE ON SCHEMA partnership');
SELECT pg_temp.grant_to('commissioner', 'SELECT ON ALL TABLES IN SCHEMA partnership');
SELECT pg_temp.grant_to('commissioner', 'EXECUTE ON FUNCTION partnership.sees_area');
SELECT pg_temp.later('partnership', 'SELECT ON TABLES', 'commissioner');
-- What marts are grouped by, in words; of core nothing else. Not core.dim_provider: one child's placement can put a row in it.
SELECT pg_temp.grant_to(reader, 'USAGE ON SCHEMA core'), pg_temp.grant_to(reader, 'SELECT ON core.dim_date, core.dim_need,
    core.dim_provision, core.dim_reform_plan_provision, core.dim_age, core.dim_ethnicity, core.dim_sen_status, core.dim_geography,
    core.dim_source, core.dim_run'),
    pg_temp.grant_to(reader, 'EXECUTE ON FUNCTION core.age_band, core.ethnicity_group, core.deprivation_fifth')
FROM (VALUES ('commissioner'), ('commissioner_exact')) AS allowed (reader);
