"""Saved pages through Airflow's real scheduler: dropped in, imported, told apart.

The movie is none of the sample site's, so that the other stories of this stack stay as they are.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from filmpulse.local.airflow_rest import FINISHED

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[1] / "fixtures/pages/imdb.ReviewsPage/username_25_of_5081/input.html"
MOVIE = "tt7000001"
CONTEXT = '"requestContext":{"timestamp":"2026-04-01T12:30:00Z","ipAddress":"203.0.113.77"}'
# Puts a file into the lake as any S3 tool would, past everything of ours.
DROP = """python - <<'END'
import os
from pathlib import Path
from filmpulse.config import Settings
from filmpulse.jobs import Context
Context.from_settings(Settings.from_env()).lake.write("inbox/" + os.environ["NAME"],
                                                    Path(os.environ["FILE"]).read_bytes())
END"""
LIST = """python - <<'END'
from filmpulse.config import Settings
from filmpulse.jobs import Context
lake = Context.from_settings(Settings.from_env()).lake
for name in lake.names("inbox"):
    print(name, b"203.0.113" in lake.read(name))
END"""


@pytest.fixture
def saved(tmp_path):
    """A page as a person saved it, and the same with other reviews."""
    html = PAGE.read_text(encoding="utf-8").replace('"requestContext":{}', CONTEXT)
    first, second = tmp_path / "reviews.html", tmp_path / "more.html"
    first.write_text(html, encoding="utf-8")
    second.write_text(html.replace("rw9", "rw8").replace("Seat", "Row"), encoding="utf-8")
    return first, second


@pytest.fixture(autouse=True)
def no_run_of_its_own(airflow):
    """Wait for the DAG's own runs: the one at its first start, and the one at 20 past."""
    airflow.wait_for_dag("import_saved_pages")
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        states = {run["state"] for run in airflow.runs("import_saved_pages")}
        if states and states <= set(FINISHED) and datetime.now(UTC).minute not in (19, 20):
            return
        time.sleep(1)


def test_pages_that_were_added_and_dropped_become_rows(airflow, shell, warehouse, saved):
    added = shell(f"filmpulse inbox add '{saved[0]}'")
    assert added.returncode == 0, added.stderr
    assert "25 of 5,081 reviews of tt7000001" in added.stdout
    assert shell(DROP, NAME="dropped.html", FILE=str(saved[1])).returncode == 0
    listed = shell("filmpulse inbox list").stdout
    assert re.search(r"waits   dropped\.html", listed)
    assert re.search(r"waits   reviews-\w+\.html: saved 2026-04-01 12:30 UTC", listed)
    run = airflow.run_to_end("import_saved_pages")
    assert run["state"] == "success", airflow.log(run, "summarise")
    states = airflow.states(run)
    assert states["import_page"] == ["success", "success"]
    assert states["analyse"] == ["success"]
    labels = {
        t["rendered_map_index"] for t in airflow.tasks_of(run) if t["task_id"] == "import_page"
    }
    assert labels == {"dropped.html", re.search(r"reviews-\w+\.html", listed)[0]}
    (movie,) = warehouse.rows("SELECT * FROM mart.movies WHERE imdb_id = %s", MOVIE)
    assert (movie["reviews"], movie["analysed_reviews"]) == (50, 50)
    assert (movie["site_reviews"], movie["collection_status"]) == (5081, None)
    left = shell(LIST).stdout.splitlines()
    assert len(left) == 4
    assert all(re.fullmatch(r"inbox/done/\S+ False", line) for line in left)
    events = airflow.call("GET", "/assets/events", params={"order_by": "-timestamp"})
    about = {e["source_dag_id"] for e in events["asset_events"]}
    assert "import_saved_pages" in about


def test_an_empty_inbox_is_green_and_does_nothing(airflow):
    run = airflow.run_to_end("import_saved_pages")
    assert run["state"] == "success"
    states = airflow.states(run)
    assert states.pop("plan") == ["success"]
    assert {state for found in states.values() for state in found} == {"skipped"}


def test_a_file_that_cannot_be_read_fails_the_run_alone_and_says_why(
    airflow, shell, warehouse, saved, tmp_path
):
    letter = tmp_path / "letter.html"
    letter.write_text("<html><body>Dear aunt</body></html>", encoding="utf-8")
    assert shell(DROP, NAME="letter.html", FILE=str(letter)).returncode == 0
    third = tmp_path / "third.html"
    html = saved[1].read_text("utf-8").replace("rw8", "rw7").replace("Row", "Box")
    third.write_text(html, encoding="utf-8")
    assert shell(DROP, NAME="third.html", FILE=str(third)).returncode == 0
    known = "SELECT count(*) AS n FROM core.reviews WHERE imdb_id = %s"
    before = warehouse.rows(known, MOVIE)[0]["n"]
    run = airflow.run_to_end("import_saved_pages")
    assert run["state"] == "failed"
    states = airflow.states(run)
    assert states["import_page"] == ["success", "success"]
    assert states["summarise"] == ["failed"]
    told = airflow.log(run, "summarise")
    assert "2 files were taken up, and not all is well" in told
    assert "not as it should be" not in told
    assert "letter.html: This is not a page of IMDb's." in told  # named as given: it is not kept
    (movie,) = warehouse.rows("SELECT * FROM mart.movies WHERE imdb_id = %s", MOVIE)
    assert (movie["reviews"], movie["analysed_reviews"]) == (before + 25,) * 2
    listed = shell("filmpulse inbox list")
    assert re.search(r"failed  letter-\w+\.html: This is not a page of IMDb's\.", listed.stdout)
