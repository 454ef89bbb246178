"""Hold IMDb's datasets, how they were loaded, and lists of titles.

There is no foreign key from or to the catalogue: it is downloaded again, whole, and ids may dangle.
"""

from filmpulse.warehouse.migrate import run_sql_files

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Move forward; there is no way back but a restore."""
    run_sql_files(revision)
