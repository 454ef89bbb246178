-- A page of unknown age has a time before the year 1000, so it is older than any dataset.
CREATE FUNCTION mart.is_outdated_fact(fact_times jsonb, fact text, as_of timestamptz) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce((fact_times ->> fact)::timestamptz < as_of, NOT fact_times ? fact);
COMMENT ON FUNCTION mart.is_outdated_fact IS 'Whether no page names a fact of a movie, or only one that is older than the catalogue.';
