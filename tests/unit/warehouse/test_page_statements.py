"""What pages and the API read is in the schema `mart`, which is all that anybody may read."""

import re
from importlib.resources import files

QUERIES = files("filmpulse.warehouse") / "queries"
TEXT = re.sub(r"--.*", "", (QUERIES / "pages.sql").read_text(encoding="utf-8"))
NAMES = re.findall(r"^-- name: (\w+)$", (QUERIES / "pages.sql").read_text(encoding="utf-8"), re.M)
# A relation follows FROM, JOIN or a comma; what has a bracket behind it is a function.
RELATION = re.compile(r"\b(?:FROM|JOIN)\s+(?:LATERAL\s+)?([a-z_]+(?:\.[a-z_]+)?)(?!\w|\.|\s*\()")


def test_pages_read_marts_alone():
    own = set(re.findall(r"(?:WITH|,)\s+(\w+) AS (?:MATERIALIZED )?\(", TEXT))
    read = set(RELATION.findall(TEXT)) - own
    assert {name.partition(".")[0] for name in read} == {"mart"}
    assert len(read) > 20
    assert not re.search(r"\b(?:core|ops|catalogue|journal)\.", TEXT)


def test_pages_change_nothing():
    assert not re.search(r"\b(?:INSERT|UPDATE|DELETE|TRUNCATE|ALTER|LOCK|SET)\b", TEXT)


def test_each_statement_is_named_after_the_pages():
    assert NAMES
    assert all(name.startswith("page_") for name in NAMES)
