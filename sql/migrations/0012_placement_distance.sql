-- How far from home a child looked after is placed, measured at the door.
ALTER TABLE core.looked_after_episode ADD COLUMN placement_distance_km integer;
COMMENT ON COLUMN core.looked_after_episode.placement_distance_km IS 'Whole kilometres as the crow flies from home to the placement; NULL where either place is not known to the agency''s postcode file.';
