"""Hand the rules over to the marts."""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
