-- linker: the crosswalk, links, review queue and key events; of the ledger what names the submissions that stand and
-- records its own runs and alerts. No payload: neither core nor mart.
SELECT pg_temp.grant_to('linker', 'USAGE ON SCHEMA link, ops');
SELECT pg_temp.grant_to('linker', 'SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA link');
SELECT pg_temp.grant_to('linker', 'USAGE, SELECT ON ALL SEQUENCES IN SCHEMA link');
SELECT pg_temp.later('link', 'SELECT, INSERT, UPDATE, DELETE ON TABLES', 'linker');
SELECT pg_temp.later('link', 'USAGE, SELECT ON SEQUENCES', 'linker');
SELECT pg_temp.grant_to('linker', 'SELECT (submission_key, submission, agency_code, dataset_code, period, period_start,
    period_end, sequence, state, accepted_at, manifest, key_epoch, content_sha256) ON ops.submission');
SELECT pg_temp.grant_to('linker', 'SELECT, INSERT, UPDATE ON ops.run');
SELECT pg_temp.grant_to('linker', 'SELECT, INSERT, UPDATE ON ops.alert');
