"""Run 0002_marts.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0002_marts.sql")
