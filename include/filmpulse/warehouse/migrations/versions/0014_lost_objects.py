"""Note which objects of the lake are lost."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0014"
down_revision = "0011"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
