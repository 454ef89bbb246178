-- Take back the unreadable answers of a model about movies (these, or all), so that it is asked again.
UPDATE ops.llm_results r
SET status = NULL, finished_at = NULL, leased_until = now(), leased_by = NULL
WHERE r.status = 'invalid' AND (r.model, r.prompt_version) = (%(model)s, %(prompt_version)s)
  AND EXISTS (SELECT FROM core.reviews v
              WHERE v.content_hash = r.content_hash
                AND (%(imdb_ids)s::text[] IS NULL OR v.imdb_id = ANY(%(imdb_ids)s)))
