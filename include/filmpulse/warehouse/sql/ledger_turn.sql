-- One worker at a time takes texts, until the end of its transaction.
SELECT pg_advisory_xact_lock(hashtextextended('llm ledger', 0))
