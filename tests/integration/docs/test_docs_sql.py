"""The SQL that the runbooks show runs on the schema as it is."""

import re
from pathlib import Path

import psycopg
import pytest

from filmpulse.local import ports
from filmpulse.local.postgres import Throwaway

ROOT = Path(__file__).parents[3]
BY_ADMINISTRATORS = ROOT / "docs/runbooks/postgres_roles.md"
RUNBOOKS = sorted({*ROOT.glob("docs/runbooks/*.md")} - {BY_ADMINISTRATORS})
BLOCK = re.compile(r"^```sql\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda p: p.stem)
def test_every_statement_of_a_runbook_runs(runbook: Path, warehouse_url: str):
    blocks = BLOCK.findall(runbook.read_text(encoding="utf-8"))
    assert blocks
    with psycopg.connect(warehouse_url) as connection:
        for block in blocks:
            connection.execute(block)


def test_an_administrator_makes_the_roles_on_a_new_server(tmp_path: Path):
    [block] = BLOCK.findall(BY_ADMINISTRATORS.read_text(encoding="utf-8"))
    with Throwaway(tmp_path, ports.choose(), "pw") as server, server.connect() as connection:
        for statement in block.split(";\n"):  # no database is made inside a transaction
            connection.execute(statement)
        made = connection.execute(
            "SELECT rolname, rolcanlogin, rolcreaterole, rolsuper FROM pg_roles "
            "WHERE rolname LIKE 'filmpulse%' ORDER BY rolname"
        ).fetchall()
        owner = connection.execute(
            "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'filmpulse'"
        ).fetchone()
    assert made == [("filmpulse", True, False, False), ("filmpulse_reader", True, False, False)]
    assert owner == ("filmpulse",)
