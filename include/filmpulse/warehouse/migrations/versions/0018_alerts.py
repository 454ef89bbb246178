"""Keep what was told of what is wrong, and when each model ends."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
