"""The SQL that the runbooks show runs on the schema as it is."""

import re
from pathlib import Path

import psycopg
import pytest

RUNBOOKS = sorted((Path(__file__).parents[2] / "docs/runbooks").glob("*.md"))
BLOCK = re.compile(r"^```sql\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=lambda p: p.stem)
def test_every_statement_of_a_runbook_runs(runbook: Path, warehouse_url: str):
    blocks = BLOCK.findall(runbook.read_text(encoding="utf-8"))
    assert blocks
    with psycopg.connect(warehouse_url) as connection:
        for block in blocks:
            connection.execute(block)
