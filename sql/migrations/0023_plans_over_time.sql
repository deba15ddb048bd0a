-- Every return of plans that was delivered stands, so that a plan that left the newest is still known for its time.
ALTER TABLE core.ehc_plan ADD COLUMN last_in_force_on date;
COMMENT ON TABLE core.ehc_plan IS 'Grain: one EHC plan, by all returns together. is_active: among the plans in force on the day of the newest return. Not in force and without cease_date: known to have held until last_in_force_on, and not told of since. start_date is unknown where a plan in force comes without its plan record. Needs and review of a plan that is over are those last told.';
