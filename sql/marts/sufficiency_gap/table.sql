-- mart.sufficiency_gap
-- Grain: see mart.yaml. Owner: sufficiency. Made once, then refilled in place, so that readers keep the last good state
-- until the refresh commits.
CREATE TABLE IF NOT EXISTS mart.sufficiency_gap (
    time_period date NOT NULL,
    year integer NOT NULL,
    horizon_years integer NOT NULL,
    need_code text NOT NULL,
    phase_code text NOT NULL,
    health_place_code text NOT NULL,
    plans_count numeric(12, 2) NOT NULL,
    plans_low numeric(12, 2) NOT NULL,
    plans_high numeric(12, 2) NOT NULL,
    specialist_count numeric(12, 2) NOT NULL,
    specialist_low numeric(12, 2) NOT NULL,
    specialist_high numeric(12, 2) NOT NULL,
    places_reliable numeric(12, 2) NOT NULL,
    gap numeric(12, 2) NOT NULL,
    gap_low numeric(12, 2) NOT NULL,
    gap_high numeric(12, 2) NOT NULL,
    interval_pct integer NOT NULL,
    method text NOT NULL,
    PRIMARY KEY (time_period, horizon_years, need_code, phase_code, health_place_code)
);
