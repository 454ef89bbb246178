-- Who waits for a turn does not keep answers in hand from being written down.
SET LOCAL lock_timeout = '5s'
