WITH made AS (
    INSERT INTO core.analysers (kind, model, prompt_version, parameters)
    VALUES (%(kind)s, %(model)s, %(prompt_version)s, %(parameters)s)
    ON CONFLICT DO NOTHING RETURNING analyser_id
)
SELECT analyser_id FROM made
UNION ALL
SELECT analyser_id FROM core.analysers
WHERE (kind, prompt_version, parameters) = (%(kind)s, %(prompt_version)s, %(parameters)s::jsonb)
  AND model IS NOT DISTINCT FROM %(model)s
LIMIT 1
