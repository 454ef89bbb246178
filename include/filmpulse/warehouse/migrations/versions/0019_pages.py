"""Keep tags and posters of movies, and find quickly what pages ask for."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
