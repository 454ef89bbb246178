"""Note what became of backups and restore drills."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
