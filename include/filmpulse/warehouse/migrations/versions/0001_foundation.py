"""Run 0001_foundation.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0001_foundation.sql")
