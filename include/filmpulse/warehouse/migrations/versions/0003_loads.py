"""Run 0003_loads.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0003_loads.sql")
