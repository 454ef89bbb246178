"""What others wrote is printed without what would command a terminal."""

from __future__ import annotations

import pytest
from helpers.catalogue_rows import note_load
from helpers.small_catalogue import fill, title
from typer.testing import CliRunner

from filmpulse import jobs
from filmpulse.cli.app import app
from filmpulse.cli.common import escape
from filmpulse.config import Settings
from filmpulse.items import CONTROLS

ODD = "Orchard \x1b[2J\x9b2J\x07 end"
TITLE = "tt99004001"


@pytest.fixture
def context(warehouse_url, tmp_path, monkeypatch):
    monkeypatch.setenv("FILMPULSE_WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("FILMPULSE_LAKE_URL", tmp_path.as_uri())
    monkeypatch.setenv("COLUMNS", "200")
    return jobs.Context.from_settings(Settings.from_env())


def test_a_text_is_printed_as_it_is_but_for_controls():
    assert escape("a [b] c\n\td") == "a \\[b] c\n\td"
    assert not CONTROLS.search(escape(ODD))


def test_a_list_and_the_state_of_the_catalogue_command_no_terminal(context, warehouse_url):
    fill(warehouse_url, title_basics=[title(TITLE, ODD, 1999)])
    with context.warehouse.connect() as connection:
        connection.execute("INSERT INTO core.title_lists VALUES ('anime', 'a.ids', 'ids', now())")
        connection.execute("INSERT INTO core.title_list_members VALUES ('anime', %s, 1)", [TITLE])
    note_load(context, "title.basics", "refused", reason="fewer_rows", sentence=ODD)
    for words in (["lists", "show", "anime"], ["catalogue", "status"]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        assert "end" in result.output
        assert not CONTROLS.search(result.output)
