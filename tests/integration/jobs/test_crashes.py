"""Kill -9 at random moments: what is left of it all is what an undisturbed run leaves.

The drill itself is benchmarks/drill_crashes.py, which can be run for longer.
"""

from __future__ import annotations

import gzip
import importlib.util
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.items import Review
from filmpulse.lake import Manifest
from filmpulse.warehouse import Warehouse

MOVIE = "tt99000001"

FILE = Path(__file__).parents[3] / "benchmarks" / "drill_crashes.py"
KILLS = 32


def load_drill():
    spec = importlib.util.spec_from_file_location("drill_crashes", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["drill_crashes"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


drill = load_drill()


@pytest.mark.drill
@pytest.mark.timeout(1800)
def test_kills_at_random_moments_lose_nothing_and_leave_nothing(tmp_path):
    seed = secrets.randbelow(1_000_000)
    told = [f"seed {seed}"]
    try:
        tally = drill.Drill(tmp_path, seed, told.append).run(KILLS)
    except drill.DrillError as error:
        pytest.fail("\n".join([*told, str(error)]))
    story = "\n".join(told)
    assert tally.kills >= 30, story
    assert set(tally.by(0)) == set(drill.STAGES), story
    assert {"worker", "postgres"} <= set(tally.by(1)), story
    assert {"browser", "driver"} & set(tally.by(1)), story
    assert tally.reviews > drill.MOVIE_REVIEWS
    # Whoever lived through it said so in words of ours; anything unforeseen ends the drill.
    assert set(tally.errors) <= {"WarehouseUnavailable", "SiteUnavailable", "peace"}, story


@pytest.fixture
def place(warehouse_url, tmp_path):
    """A warehouse and a lake with five reviews, loaded and scored."""
    settings = {"FILMPULSE_WAREHOUSE_URL": warehouse_url, "FILMPULSE_LAKE_URL": tmp_path.as_uri()}
    context = jobs.Context.from_settings(Settings.from_env(settings))
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    writer = context.lake.begin("imdb", MOVIE, at)
    writer.append(
        [
            Review(review_id=f"rw{n}", imdb_id=MOVIE, title="Seen", body=f"Great acting, {n} times")
            for n in range(5)
        ]
    )
    uri = writer.close(
        Manifest(
            run_id="r", source="imdb", imdb_id=MOVIE, mode="full", started_at=at, finished_at=at,
            status="complete", distinct_ids=5, parts=tuple(writer.parts),
        )
    )  # fmt: skip
    jobs.load(uri, context)
    jobs.analyse(MOVIE, context)
    return settings


@pytest.mark.rows_by_hand
@pytest.mark.parametrize(
    "loss",
    [
        "DELETE FROM core.aspect_scores WHERE review_id = 'rw3'",
        "DELETE FROM core.review_analyses WHERE review_id = 'rw3'",
        "UPDATE core.reviews SET removed_at = now() WHERE review_id = 'rw3'",
        "UPDATE core.reviews SET body = body || '!' WHERE review_id = 'rw3'",
        "UPDATE core.movies SET active_analyser_id = NULL",
    ],
)
def test_the_drill_sees_a_loss(place, loss):
    before = drill._tables(place)
    assert len(before["aspect_scores"]) == 5
    with Warehouse(place["FILMPULSE_WAREHOUSE_URL"]).connect() as connection:
        connection.execute("UPDATE core.reviews SET first_seen_at = now()")
    assert drill._tables(place) == before  # a time of the run's own
    with Warehouse(place["FILMPULSE_WAREHOUSE_URL"]).connect() as connection:
        connection.execute(loss)
    assert drill._tables(place) != before


def test_the_drill_sees_a_lake_that_is_not_whole(place, tmp_path):
    drill._check_lake(place)
    (part,) = tmp_path.glob("reviews/imdb/*/*/*.jsonl.gz")
    whole = part.read_bytes()
    lines = gzip.decompress(whole).splitlines(keepends=True)
    part.write_bytes(gzip.compress(b"".join(lines[:4])))
    with pytest.raises(drill.DrillError, match="names 5 reviews and holds 4"):
        drill._check_lake(place)
    part.write_bytes(whole)
    (manifest,) = tmp_path.glob("reviews/imdb/*/*/manifest.json")
    manifest.unlink()
    with pytest.raises(drill.DrillError, match="not in the lake"):
        drill._check_lake(place)
