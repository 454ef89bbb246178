"""Documents that are read from the catalogue of a migrated database."""

import importlib.util
from pathlib import Path

import psycopg
import pytest

ROOT = Path(__file__).parents[3]


def load_generator():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()


def test_each_document_is_fresh(warehouse_url):
    documents = generate.from_catalogue(warehouse_url)
    assert {path.name for path in documents} == {"data_dictionary.md", "mart_columns.json"}
    for path, text in documents.items():
        assert path.read_text(encoding="utf-8") == text, "run `make docs`"


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("CREATE TABLE core.t (a text); COMMENT ON TABLE core.t IS 't'", "core.t.a"),
        ("CREATE VIEW mart.t AS SELECT", "mart.t"),
        ("CREATE FUNCTION mart.t() RETURNS int RETURN 1", "mart.t"),
    ],
)
def test_what_has_no_comment_is_refused(warehouse_url, made, named):
    with psycopg.connect(warehouse_url) as connection:
        connection.execute(made)
    with pytest.raises(ValueError, match=f"without a comment: {named}$"):
        generate.from_catalogue(warehouse_url)


def test_the_dictionary_says_types_keys_and_comments(warehouse_url):
    page = ROOT / "docs/data_dictionary.md"
    text = generate.from_catalogue(warehouse_url)[page]
    assert (
        "| `rating_1_10` | smallint | null | Stars, 1 to 10; null when none were given. |" in text
    )
    assert "| `rating_1_10` | smallint |  | Stars, 1 to 10; null when none were given. |" in text
    assert "Primary key: `source, review_id, content_hash, analyser_id`." in text
    assert "Function `(n bigint, coverage numeric) → boolean`." in text
