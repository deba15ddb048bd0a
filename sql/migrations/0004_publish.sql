-- publish: frozen, disclosure-controlled figures, written only by the publisher.
CREATE SCHEMA publish;
COMMENT ON SCHEMA publish IS 'Frozen snapshots under the public rule. Nothing unpublished is here.';
