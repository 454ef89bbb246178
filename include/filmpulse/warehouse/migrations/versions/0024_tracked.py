"""Hold tracked movies that are too many for a Variable, and what their cadence is made from."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
