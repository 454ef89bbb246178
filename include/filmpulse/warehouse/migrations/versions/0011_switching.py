"""Run 0011_switching.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0011_switching.sql")
