-- What the partnership sees of a row is worked out within the query that copies it (pipelines/integrate/partnership.py).
DROP FUNCTION partnership.shown(numeric, numeric[]);
DROP FUNCTION partnership.derived(numeric, numeric[]);
DROP FUNCTION partnership.is_small(numeric);
