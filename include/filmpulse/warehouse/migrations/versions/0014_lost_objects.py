"""Run 0014_lost_objects.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0014"
down_revision = "0011"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0014_lost_objects.sql")
