"""Run 0005_ways_in.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0005_ways_in.sql")
