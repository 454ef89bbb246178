"""Write `mart_columns.json`: what the marts offer, so that `lint.py` needs no database.

    python superset/mart_columns.py

Starts a throwaway Postgres, migrates it and reads its catalogue; some seconds.
"""

from __future__ import annotations

import json
import secrets
import tempfile
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("mart_columns.json")

# The catalogue and not information_schema, which leaves materialised views out.
_COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
      AND a.attnum > 0 AND NOT a.attisdropped"""
_FUNCTIONS = "SELECT proname FROM pg_proc WHERE pronamespace = 'mart'::regnamespace"


def read(url: str) -> dict[str, Any]:
    """Read a migrated warehouse.

    Returns:
        `relations`: the type of each column by relation and column, without length or precision;
        `functions`: names of the functions in the schema. All sorted.
    """
    import psycopg

    relations: dict[str, dict[str, str]] = {}
    with psycopg.connect(url) as connection:
        for relation, column, kind in sorted(connection.execute(_COLUMNS)):
            relations.setdefault(relation, {})[column] = kind
        functions = sorted({name for (name,) in connection.execute(_FUNCTIONS)})
    return {"functions": functions, "relations": relations}


def text(marts: dict[str, Any]) -> str:
    """Return what the file holds."""
    return json.dumps(marts, indent=1) + "\n"


def main() -> None:
    """Write the file anew."""
    from filmpulse.local import ports
    from filmpulse.local.postgres import Throwaway, address
    from filmpulse.warehouse.migrate import migrate

    password = secrets.token_hex(8)
    with (
        tempfile.TemporaryDirectory(prefix="filmpulse-marts-") as directory,
        Throwaway(Path(directory), ports.choose(), password) as server,
    ):
        server.add_owner("filmpulse", password, "CREATEROLE")
        url = address("filmpulse", password, server.port, "filmpulse")
        migrate(url)
        marts = read(url)
    FILE.write_text(text(marts), "utf-8")


if __name__ == "__main__":
    main()
