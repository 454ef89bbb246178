"""What stands in the tables of a warehouse, for comparing it before and after."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from filmpulse.warehouse import Warehouse


def contents(
    warehouse: Warehouse, tables: Iterable[str], with_version: bool = False
) -> dict[str, list[str]]:
    """Return every row of each table as text, sorted; all tables at one moment.

    Args:
        warehouse: Where the tables are.
        tables: Their names, with the schema.
        with_version: Begin each row's text with its `xmin`, which every change of the row changes.
    """
    found: dict[str, list[str]] = {table: [] for table in tables}
    row = "t.xmin::text || t::text" if with_version else "t::text"
    each = [
        sql.SQL("SELECT {} AS name, " + row + " AS row FROM {} AS t").format(  # noqa: S608
            sql.Literal(table), sql.Identifier(*table.split("."))
        )
        for table in found
    ]
    with warehouse.connect() as connection:
        for line in connection.execute(sql.SQL(" UNION ALL ").join(each)).fetchall():
            found[line["name"]].append(line["row"])
    return {table: sorted(rows) for table, rows in found.items()}
