"""Run 0006_quality.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0006_quality.sql")
