"""Run 0008_llm_marts.sql."""

from filmpulse.warehouse.migrate import run_sql_file

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_file("0008_llm_marts.sql")
