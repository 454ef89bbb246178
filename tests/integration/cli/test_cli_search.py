"""`filmpulse search` shows what was found, and whose it is."""

from __future__ import annotations

import pytest
from helpers.small_catalogue import fill, title
from typer.testing import CliRunner

from filmpulse.cli.app import app
from filmpulse.items import CONTROLS
from filmpulse.sources.datasets import CREDIT

TITLE, PERSON = "tt99002001", "nm9900002001"


@pytest.fixture
def run(warehouse_url, tmp_path, monkeypatch):
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("FILMPULSE_LAKE_URL", tmp_path.as_uri())
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, ["search", *words])


def test_titles_and_people_with_the_credit_line(run, warehouse_url):
    fill(
        warehouse_url, title_basics=[title(TITLE, "The [b]Orchard", 1999)],
        title_ratings=[(TITLE, 7.1, 5_000)],
        name_basics=[(PERSON, "Ora Orchard", 1950, None, "director", TITLE)],
        credits=[(TITLE, PERSON, "director", 1)],
    )  # fmt: skip
    result = run("orchard", "1999")
    assert result.exit_code == 0, result.output
    assert all(text in result.output for text in (TITLE, "The [b]Orchard", "1999", "Ora Orchard"))
    assert CREDIT in result.output
    assert PERSON in run("orchard").output


def test_a_persons_id_shows_titles_by_role(run, warehouse_url):
    fill(
        warehouse_url, title_basics=[title(TITLE, "The Orchard", 1999)],
        title_ratings=[(TITLE, 7.1, 5_000)],
        name_basics=[(PERSON, "Ora Orchard", 1950, None, "composer", None)],
        title_principals=[(TITLE, 1, PERSON, "composer"), (TITLE, 2, PERSON, "music_department")],
    )  # fmt: skip
    result = run(PERSON)
    assert result.exit_code == 0, result.output
    for text in ("Ora Orchard", "Composer", "Music department", TITLE, "The Orchard", CREDIT):
        assert text in result.output
    assert run("nm9900009999").exit_code == 0


@pytest.mark.parametrize("words", ["orchard", TITLE, PERSON])
def test_a_title_commands_no_terminal(run, warehouse_url, words):
    odd = "Orchard \x1b[2J\x9b2J\x07\x00"[:-1]
    fill(
        warehouse_url, title_basics=[title(TITLE, odd, 1999)],
        name_basics=[(PERSON, odd, 1950, None, "director", TITLE)],
        credits=[(TITLE, PERSON, "director", 1)],
    )  # fmt: skip
    output = run(*words.split()).output
    assert "Orchard" in output
    assert not CONTROLS.search(output)


def test_nothing_found_is_a_sentence_without_the_credit_line(run):
    result = run("orchard")
    assert result.exit_code == 0, result.output
    assert "Nothing found." in result.output
    assert CREDIT not in result.output
