-- The way back from the list: an erasure may be called off, and each keeps fingerprints of its own meanwhile.
ALTER TABLE ops.erasure ADD COLUMN readmitted_at timestamptz;
ALTER TABLE ops.erasure ADD COLUMN readmitted_by text;
ALTER TABLE ops.erasure ADD COLUMN readmitted_reason text;
ALTER TABLE ops.erasure
    ADD CHECK ((readmitted_at IS NULL) = (readmitted_by IS NULL) AND (readmitted_at IS NULL) = (readmitted_reason IS NULL));
COMMENT ON COLUMN ops.erasure.readmitted_at IS 'When its records were taken off the list: what is delivered later comes in. What had gone stays gone.';
COMMENT ON COLUMN ops.erasure.readmitted_by IS 'Who asked for that.';
COMMENT ON COLUMN ops.erasure.readmitted_reason IS 'Why.';

ALTER TABLE ops.suppression DROP CONSTRAINT suppression_pkey, ADD PRIMARY KEY (agency_code, fingerprint, erasure_key);
