"""Hold what is counted of each movie's reviews and scores (docs/adr/0046).

The marts of before held it as materialised views; setup makes the marts anew, then counts.
"""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
