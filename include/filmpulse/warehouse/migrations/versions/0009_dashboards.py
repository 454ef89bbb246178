"""Run 0009_dashboards.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0009_dashboards.sql")
