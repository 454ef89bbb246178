"""Key by source what a site says of a movie, and keep where streams stand."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
