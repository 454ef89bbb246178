"""Keep what the keyless analyser learns of a movie, and wholes before they are cut."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
