"""Find the last collection of a source, imports among them, by its index."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
