"""What a cluster has beside the parts of one machine: a module a part.

Each is the program that a real deployment runs, at its smallest: Redis, Celery workers, a Selenium
Grid, pgbouncer, a streaming replica. `make cluster` puts them together.
"""
