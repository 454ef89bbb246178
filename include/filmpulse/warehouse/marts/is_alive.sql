-- Whoever reads a source gives a sign of life after each page. Detection asks Airflow about older ones.
CREATE FUNCTION mart.is_alive(heartbeat_at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(heartbeat_at > now() - interval '30 minutes', false);
COMMENT ON FUNCTION mart.is_alive IS 'Whether a collection gave a sign of life within 30 minutes.';
