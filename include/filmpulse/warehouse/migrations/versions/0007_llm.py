"""Run 0007_llm.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0007_llm.sql")
