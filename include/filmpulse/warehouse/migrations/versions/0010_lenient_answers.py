"""Note how a model's answer differed from the form asked for."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
