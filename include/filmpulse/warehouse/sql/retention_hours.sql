WITH gone AS (DELETE FROM ops.host_hours WHERE hour <= %(cutoff)s RETURNING 1)
SELECT count(*) AS hours FROM gone
