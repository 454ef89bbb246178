"""Note the analyser that the settings named."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
