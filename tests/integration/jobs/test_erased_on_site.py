"""What was erased and still stands on the site: read past, never stored, and in nobody's way."""

import gzip

import pytest
from typer.testing import CliRunner

from filmpulse import airflow_bridge, cli, jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput
from filmpulse.items import author_key
from filmpulse.sample_site import MOVIE_IDS

pytestmark = pytest.mark.usefixtures("one_browser")

SECRET = "for tests only"
PROLIFIC = "ur7000001"


@pytest.fixture
def context(sample_site, warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url,
            lake_url=(tmp_path / "lake").as_uri(),
            source_urls={"imdb": sample_site.url},
            author_secret=SECRET,
            request_gap_seconds=0,
            page_timeout_seconds=15,
        )
    )


@pytest.fixture
def middle(sample_site):
    """The smallest movie whose reviews take more than one page."""
    counts = sample_site.counts()
    return min((i for i in MOVIE_IDS if counts[i] > 50), key=counts.__getitem__)


def rows(context, statement, *values):
    with context.warehouse.connect() as connection:
        return connection.execute(statement, values).fetchall()


def stored(context):
    return {r["review_id"] for r in rows(context, "SELECT review_id FROM core.reviews")}


def run(context, imdb_id, run_id, mode="full"):
    """Run the main job for one movie; answer what loading changed and the ledger's line."""
    jobs.plan([imdb_id], mode, run_id, context)
    loaded = jobs.load(*jobs.collect(imdb_id, mode, run_id, context), context)
    jobs.analyse(imdb_id, context)
    (line,) = rows(context, "SELECT * FROM ops.collections WHERE run_id = %s", run_id)
    return loaded, line


def in_lake(context):
    return b"\n".join(
        gzip.decompress(context.lake.read(name))
        for name in context.lake.names("imdb")
        if name.endswith(".gz")
    ).decode()


def test_the_erased_stay_away_and_collections_end_as_ever(context, sample_site, middle):
    (theirs,) = sample_site.control(
        "publish", imdb_id=middle, reviews=[{"author_id": PROLIFIC, "body": "The cast is superb."}]
    )["ids"]
    loaded, line = run(context, middle, "r1")
    count = sample_site.counts()[middle]
    assert (loaded.inserted, line["status"]) == (count, "complete")
    newest = rows(context, "SELECT review_id FROM core.reviews ORDER BY submitted_on DESC LIMIT 9")
    erased = next(r["review_id"] for r in newest if r["review_id"] != theirs)
    key = author_key("imdb", PROLIFIC, SECRET.encode())
    assert jobs.erase("review", erased, context).reviews == 1
    assert jobs.erase("author", key, context).reviews == 1
    gone = {erased, theirs}
    assert len(stored(context)) == count - 2

    # all of it is read again: complete, and nothing of theirs
    loaded, line = run(context, middle, "r2")
    assert loaded == jobs.Loaded()
    assert (line["status"], line["distinct_ids"]) == ("complete", count - 2)
    assert "2 were erased on request" in line["sentence"]
    assert not any(f'"{review_id}"' in in_lake(context) for review_id in gone)
    assert jobs.summarise("r2", context).failures == []

    # a new review by the same author is theirs too; the newest page still ends the reading
    sample_site.control("publish", imdb_id=middle, count=2,
                        reviews=[{"author_id": PROLIFIC, "body": "Once more."}, {}])  # fmt: skip
    loaded, line = run(context, middle, "r3", "incremental")
    assert (loaded.inserted, line["status"]) == (1, "complete")
    assert line["distinct_ids"] <= 49
    assert line["sentence"].startswith("1 new;")
    assert "Once more." not in in_lake(context)
    assert len(stored(context)) == count - 1
    assert jobs.summarise("r3", context).failures == []
    wanted = rows(context, "SELECT * FROM core.reviews ORDER BY review_id")
    jobs.rebuild(context)
    assert rows(context, "SELECT * FROM core.reviews ORDER BY review_id") == wanted


def test_a_page_of_erased_reviews_says_nothing_of_those_before(context, sample_site, middle):
    run(context, middle, "r1")
    key = author_key("imdb", PROLIFIC, SECRET.encode())
    jobs.erase("author", key, context)
    # three new reviews lie behind a whole page of erased ones
    sample_site.control("publish", imdb_id=middle, count=3)
    theirs = [{"author_id": PROLIFIC}] * 25
    sample_site.control("publish", imdb_id=middle, count=25, reviews=theirs)
    loaded, line = run(context, middle, "r2", "incremental")
    assert (loaded.inserted, line["status"]) == (3, "complete")


def test_a_movie_is_untracked_erased_and_can_be_tracked_anew(
    context, sample_site, middle, monkeypatch
):
    run(context, middle, "r1")
    count = sample_site.counts()[middle]
    tracked = ['["tt99999999", "' + middle + '"]']
    monkeypatch.setattr(airflow_bridge, "read_variable", lambda: tracked[-1])

    def change_variable(change):
        made = change(tracked[-1])
        tracked.append(made.variable)
        return made

    monkeypatch.setattr(airflow_bridge, "change_variable", change_variable)
    monkeypatch.setattr(cli.common, "job_context", lambda: context)

    def call(*arguments, answer=None):
        found = CliRunner().invoke(cli.app, ["forget", *arguments], input=answer)
        return found.exit_code, found.output

    code, said = call("--movie", middle, answer="n\n")
    assert code == 1
    assert f"were {count} reviews and" in said
    assert len(stored(context)) == count
    assert rows(context, "SELECT FROM ops.erasures") == []
    code, said = call("--movie", middle, "--yes")
    assert code == 0, said
    assert f"{middle} is no longer tracked." in said
    assert "Erased: there were" in said
    assert tracked[-1] == '["tt99999999"]'
    assert stored(context) == set()
    assert context.lake.names("imdb") == []
    assert "Nothing was stored" in call("--movie", middle, "--yes")[1]
    assert "Nothing was stored" in call("--author", PROLIFIC, "--yes")[1]
    assert call("--movie", middle, "--review", "rw1")[0] == 1
    assert PROLIFIC not in str(rows(context, "SELECT * FROM ops.erasures"))
    loaded, line = run(context, middle, "r2")
    assert (loaded.inserted, line["status"]) == (count, "complete")


def test_erased_while_it_is_read(context, middle):
    seen = []

    def erase(done, total):
        if not seen:
            found = context.lake.names(f"reviews/imdb/{middle}")
            text = gzip.decompress(context.lake.read(found[0])).decode()
            seen.append(text.partition('"review_id":"')[2].partition('"')[0])
            jobs.erase("review", seen[0], context)

    (uri,) = jobs.collect(middle, "full", "r1", context, erase)
    assert jobs.load(uri, context).inserted > 25
    assert seen[0] not in stored(context)
    assert f'"{seen[0]}"' not in in_lake(context)
    # and the whole movie
    (uri,) = jobs.collect(middle, "full", "r2", context)
    jobs.erase("movie", middle, context)
    with pytest.raises(BadInput, match="erased on request"):
        jobs.load(uri, context)
    assert context.lake.names("imdb") == []
