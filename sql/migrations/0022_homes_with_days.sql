-- Homes of a source that knows the days of its addresses. The last day of the record stands in core.person_record: repeated
-- in each of its spells it made every delivery rewrite times long over.
DROP VIEW IF EXISTS core.person_home, core_known.home_spell CASCADE;
ALTER TABLE core.home_spell DROP COLUMN observed_to;
ALTER TABLE core.home_spell ADD COLUMN is_dated boolean NOT NULL DEFAULT false;
COMMENT ON TABLE core.home_spell IS 'Grain: a time in which one source has a child at one home: from the day it first said so until it said another, or, of a source that knows the days of its addresses (is_dated), from the day it began until the day it ended. Ward and health place follow from core.dim_geography.';
