"""Run 0004_erasures.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0004_erasures.sql")
