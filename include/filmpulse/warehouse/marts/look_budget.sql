-- What a site may be asked in a day, and what the looks take of it.
CREATE VIEW mart.look_budget AS
SELECT s.source, s.host, h.gap_seconds, 86400 / nullif(h.gap_seconds, 0) AS requests_allowed,
       coalesce(a.requests, 0) AS requests, coalesce(p.looks, 0) AS looks_wanted,
       coalesce(l.looks, 0) AS looks
FROM ops.sources s
LEFT JOIN ops.host_state h USING (host)
LEFT JOIN LATERAL (
    SELECT sum(requests) AS requests FROM ops.host_hours o
    WHERE o.host = s.host AND o.hour > now() - interval '24 hours'
) a ON true
LEFT JOIN LATERAL (
    SELECT sum(looked) AS looks FROM ops.detections d
    WHERE d.source = s.source AND d.started_at > now() - interval '24 hours'
) l ON true
LEFT JOIN (SELECT source, sum(looks_a_day) AS looks FROM mart.look_plan GROUP BY source) p
       ON p.source = s.source
WHERE s.kind = 'site';
COMMENT ON VIEW mart.look_budget IS 'One row per site: requests that its gate allows in a day, and what looks take of them.';
COMMENT ON COLUMN mart.look_budget.source IS 'The site.';
COMMENT ON COLUMN mart.look_budget.host IS 'Host and port of the site, as last visited; null before.';
COMMENT ON COLUMN mart.look_budget.gap_seconds IS 'Least time between two requests, as of the last one.';
COMMENT ON COLUMN mart.look_budget.requests_allowed IS 'Requests that this gap allows in 24 hours; null without a gap.';
COMMENT ON COLUMN mart.look_budget.requests IS 'Requests of any kind in the last 24 hours, by whole hours.';
COMMENT ON COLUMN mart.look_budget.looks_wanted IS 'Looks that tracked movies take in a day if none is late.';
COMMENT ON COLUMN mart.look_budget.looks IS 'Looks in the last 24 hours.';
