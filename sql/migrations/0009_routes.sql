-- A refused delivery is remembered by the hash of its manifest, so that its route can let go of it.
ALTER TABLE ops.submission_event ADD COLUMN manifest_sha256 text;
COMMENT ON COLUMN ops.submission_event.manifest_sha256 IS 'Of a delivery that was refused before it became a submission: the hash of its manifest, or of what came in its place.';
