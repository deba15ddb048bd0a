-- Which sources speak in which table of core: whose day a count bears. A row may have stood since an earlier delivery of
-- its source, so that its own submission_key says nothing of the age of the data.
DO $$
DECLARE
    branches text;
BEGIN
    SELECT string_agg(format(
        'SELECT %L AS table_name, source.* FROM core.source AS source WHERE EXISTS (SELECT FROM core.%I AS t
            WHERE t.agency_code = source.agency_code AND t.dataset_code = source.dataset_code)', table_name, table_name
    ), ' UNION ALL ' ORDER BY table_name)
    INTO branches
    FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'core' AND table_type = 'BASE TABLE' AND column_name = 'dataset_code'
        AND table_name NOT IN ('source', 'key_draw');
    DROP VIEW IF EXISTS core.spoken_of;
    EXECUTE 'CREATE VIEW core.spoken_of AS ' || branches;
    COMMENT ON VIEW core.spoken_of IS 'Grain: table of core x source that has rows in it.';
END $$;
