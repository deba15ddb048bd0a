-- What the partnership sees of a mart is said in its mart.yaml and done by pipelines/integrate/partnership.py.
DROP FUNCTION partnership.refresh(date, text[]);
