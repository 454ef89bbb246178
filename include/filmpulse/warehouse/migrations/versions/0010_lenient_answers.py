"""Run 0010_lenient_answers.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0010_lenient_answers.sql")
