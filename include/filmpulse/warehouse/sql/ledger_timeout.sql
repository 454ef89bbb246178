-- A worker that falls silent in the middle of its turn loses it, since all others wait for it.
SET idle_in_transaction_session_timeout = '30s'
