-- The moment of a refresh: what core and mart call recorded_from and recorded_to.
ALTER TABLE ops.refresh ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now();
UPDATE ops.refresh SET recorded_at = finished_at;
CREATE UNIQUE INDEX ON ops.refresh (recorded_at);
COMMENT ON COLUMN ops.refresh.recorded_at IS 'The moment that rows of core and mart carry which this refresh brought or took away: the start of its transaction.';

CREATE SCHEMA mart_history;
COMMENT ON SCHEMA mart_history IS 'Every row that a mart showed, from recorded_from until recorded_to; infinity where it shows it now. Read them by mart_known.';

CREATE SCHEMA mart_known;
COMMENT ON SCHEMA mart_known IS 'The marts as they were shown at the moment of the setting joint_needs.as_known_at; without one, now.';
