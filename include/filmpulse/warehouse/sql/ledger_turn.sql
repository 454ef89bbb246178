-- Whoever takes texts, or erases them, does so alone until the end of the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('llm ledger', 0))
