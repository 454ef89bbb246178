"""Make all tables, as they stood when the revisions before were put into one."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0009"
down_revision = None


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
