"""Keep what people say that reviews judge, to hold analysers against it."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
