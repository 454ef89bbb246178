-- A movie stands in the first state of these that is true of it, as filmpulse.warehouse.pages.STATES has
-- them (a test compares the two).
CREATE FUNCTION mart.states() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['collecting', 'queued', 'scoring', 'paused', 'layout_changed', 'blocked',
                 'not_found', 'failed', 'partial', 'gated', 'never', 'stale', 'fresh'];
COMMENT ON FUNCTION mart.states IS 'How a movie may stand, in the order in which it counts.';
