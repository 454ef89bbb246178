"""The main job without a scheduler: real browser, real Postgres, the sample site."""

from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from filmpulse import cli, jobs
from filmpulse.config import Settings
from filmpulse.errors import (
    BadInput,
    Blocked,
    CollectionFailed,
    HostPaused,
    LakeUnavailable,
    LayoutChanged,
    NotFound,
)
from filmpulse.lake import Lake
from filmpulse.sample_site import MOVIE_IDS
from filmpulse.warehouse import Warehouse

pytestmark = pytest.mark.usefixtures("one_browser")

QUIET = 3600.0
UNKNOWN = "tt98999999"


@pytest.fixture
def context(sample_site, warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url,
            lake_url=tmp_path.as_uri(),
            source_urls={"imdb": sample_site.url},
            author_secret="for tests only",
            request_gap_seconds=0,
            page_timeout_seconds=15,
        )
    )


@pytest.fixture
def smallest(sample_site):
    """The old movie with three reviews."""
    counts = sample_site.counts()
    return min(MOVIE_IDS, key=counts.__getitem__)


@pytest.fixture
def middle(sample_site):
    """The smallest movie whose reviews take more than one page."""
    counts = sample_site.counts()
    return min((i for i in MOVIE_IDS if counts[i] > 50), key=counts.__getitem__)


class Run:
    """One run of the main job over some movies."""

    def __init__(self, context, name, mode="full"):
        self.context, self.name, self.mode = context, name, mode

    def __call__(self, *imdb_ids):
        loaded = {}
        for imdb_id in jobs.plan(imdb_ids, self.mode, self.name, self.context):
            (uri,) = jobs.collect(imdb_id, self.mode, self.name, self.context)
            loaded[imdb_id] = jobs.load(uri, self.context)
            jobs.analyse(imdb_id, self.context)
        return loaded


def rows(context, statement, *values):
    with Warehouse(context.warehouse.url).connect() as connection:
        return connection.execute(statement, values).fetchall()


def xmins(context):
    return {
        r["review_id"]: r["x"]
        for r in rows(context, "SELECT review_id, xmin::text AS x FROM core.reviews")
    }


def ledger(context, run_id):
    return {
        r["imdb_id"]: r
        for r in rows(context, "SELECT * FROM ops.collections WHERE run_id = %s", run_id)
    }


def detect(context, imdb_ids, run_id="detector", since=None, **options):
    since = since or datetime.now(UTC)
    return jobs.detect(
        imdb_ids,
        since=since,
        until=since + timedelta(seconds=QUIET),
        run_id=run_id,
        context=context,
        is_active=lambda run: False,
        **options,
    )


def test_every_review_is_collected_scored_and_summed_up(context, sample_site, middle):
    count = sample_site.counts()[middle]
    assert Run(context, "r1")(middle)[middle].inserted == count
    line = ledger(context, "r1")[middle]
    assert (line["status"], line["review_count_end"]) == ("complete", count)
    summary = jobs.summary(middle, context)
    assert summary.movie["reviews"] == count
    assert float(summary.movie["coverage"]) == 1
    assert summary.movie["analysed_reviews"] == count
    assert 0 < summary.movie["scored_reviews"] <= count
    quoted = rows(
        context,
        """SELECT quote, quote_start, title, body
           FROM core.aspect_scores JOIN core.reviews USING (source, review_id)
           WHERE quote IS NOT NULL""",
    )
    assert quoted
    for q in quoted:
        text = f"{q['title']}\n\n{q['body']}"
        assert text[q["quote_start"] :].startswith(q["quote"])
    open_bodies = [
        f"{r['title']}\n\n{r['body']}"
        for r in rows(context, "SELECT title, body FROM mart.reviews WHERE NOT is_spoiler")
    ]
    for aspect in summary.aspects:
        for quote in filter(None, (aspect.praise, aspect.fault)):
            assert any(quote in body for body in open_bodies)
    assert Run(context, "r2")(middle)[middle] == jobs.Loaded()


def test_new_edited_and_deleted_reviews(context, sample_site, middle, smallest):
    Run(context, "r1")(middle, smallest)
    assert detect(context, [middle, smallest]).batches == []

    sample_site.control("publish", imdb_id=middle, count=7)
    (batch,) = detect(context, [middle, smallest]).batches
    assert (batch.imdb_ids, batch.mode) == ([middle], "incremental")
    before = xmins(context)
    assert Run(context, batch.run_id, batch.mode)(middle)[middle] == jobs.Loaded(inserted=7)
    after = xmins(context)
    assert len(set(after) - set(before)) == 7
    assert {i: after[i] for i in before} == before
    assert ledger(context, batch.run_id)[middle]["distinct_ids"] <= 75

    ours = {r["review_id"] for r in rows(context, "SELECT review_id FROM core.reviews "
                                                "WHERE imdb_id = %s", middle)}  # fmt: skip
    edited, deleted = sorted(ours)[:2]
    sample_site.control("edit", review_id=edited, body="On a second viewing the acting fell flat.")
    sample_site.control("delete", review_id=deleted)
    assert Run(context, "r3")(middle)[middle] == jobs.Loaded(revised=1, updated=1, removed=1)
    again = xmins(context)
    assert {i for i in again if again[i] != after[i]} == {edited, deleted}
    (revision,) = rows(context, "SELECT * FROM core.review_revisions")
    assert revision["review_id"] == edited
    (gone,) = rows(context, "SELECT review_id FROM core.reviews WHERE removed_at IS NOT NULL")
    assert gone["review_id"] == deleted
    statuses = rows(context, "SELECT content_hash FROM core.review_analyses WHERE review_id = %s",
                    edited)  # fmt: skip
    assert len(statuses) == 2


def test_a_gate_is_green_with_a_warning_and_keeps_what_is_known(
    context, sample_site, middle, smallest
):
    Run(context, "r1")(smallest)
    known = len(xmins(context))
    sample_site.control("switch", name="gate", imdb_id=middle, value=5)
    assert Run(context, "r2")(middle)[middle].inserted == 5
    line = ledger(context, "r2")[middle]
    assert (line["status"], line["reason"]) == ("gated", "sign_in")
    closed = jobs.summarise("r2", context)
    assert len(closed.warnings) == 1
    assert "5 of" in closed.warnings[0]
    assert len(xmins(context)) == known + 5
    # growth behind the gate is said, not collected again and again
    sample_site.control("publish", imdb_id=middle, count=3)
    found = detect(context, [middle])
    assert found.batches == []
    assert "not readable here" in found.warnings[0]


def test_a_refusal_stops_the_host_for_everybody(context, sample_site, middle, smallest):
    Run(context, "r1")(smallest)
    before = xmins(context)
    sample_site.control("switch", name="status_403", imdb_id=None, value=True)
    jobs.plan([middle, smallest], "full", "r2", context)
    with pytest.raises(Blocked, match="403"):
        jobs.collect(middle, "full", "r2", context)
    sample_site.control("switch", name="status_403", imdb_id=None, value=False)
    with pytest.raises(HostPaused):
        jobs.collect(smallest, "full", "r2", context)
    lines = ledger(context, "r2")
    assert {line["status"] for line in lines.values()} == {"blocked"}
    assert lines[middle]["reason"] == "forbidden"
    with pytest.raises(CollectionFailed, match=middle):
        jobs.summarise("r2", context)
    assert xmins(context) == before
    assert jobs.summary(smallest, context).movie["reviews"] == 3


def test_drift_is_an_error_with_the_page_kept(context, sample_site, middle, smallest, tmp_path):
    sample_site.control("switch", name="layout_drift", imdb_id=middle, value=True)
    with pytest.raises(LayoutChanged, match=middle):
        jobs.collect(middle, "full", "r1", context)
    assert Run(context, "r2")(smallest)[smallest].inserted == 3
    assert ledger(context, "r1")[middle]["status"] == "layout_changed"
    assert list(tmp_path.glob(f"quarantine/imdb/{middle}/*.html.gz"))
    assert rows(context, "SELECT FROM core.reviews WHERE imdb_id = %s", middle) == []


def test_an_unknown_movie_is_named_and_stops_nobody(context, smallest):
    found = detect(context, [UNKNOWN, smallest])
    assert [b.imdb_ids for b in found.batches] == [[smallest]]
    assert UNKNOWN in found.warnings[0]
    with pytest.raises(NotFound, match=UNKNOWN):
        jobs.collect(UNKNOWN, "full", "r1", context)
    assert ledger(context, "r1")[UNKNOWN]["status"] == "not_found"


def test_detection_goes_on_where_a_round_ended(context, smallest, middle):
    since = datetime.now(UTC)
    first = detect(context, [smallest, middle], since=since, budget_seconds=0.001)
    assert not first.is_done
    assert first.batches == []
    second = detect(context, [smallest, middle], since=since)
    assert second.is_done
    assert sorted(second.batches[0].imdb_ids) == sorted([smallest, middle])
    assert detect(context, [smallest, middle], since=since).batches == second.batches
    assert detect(context, [smallest, middle], since=since).visited == 0


def test_a_movie_at_work_is_left_alone(context, smallest):
    jobs.plan([smallest], "full", "r1", context)
    assert detect(context, [smallest]).batches == []


def test_detection_out_of_time_says_the_real_cycle(context, smallest, middle):
    since = datetime.now(UTC) - timedelta(minutes=50)
    late = jobs.detect(
        [smallest, middle], since=since, until=datetime.now(UTC), run_id="d", context=context,
        is_active=lambda run: False,
    )  # fmt: skip
    assert late.is_done
    assert "None of 2 movies" in late.warnings[0]


def test_many_movies_go_in_batches(context):
    since = datetime.now(UTC)
    ids = [f"tt{n:08d}" for n in range(97000000, 97001200)]
    with context.warehouse.connect() as connection:
        connection.cursor().executemany(
            """INSERT INTO ops.movie_checks (source, imdb_id, checked_at, outcome, mode)
               VALUES ('imdb', %s, now(), 'news', 'full')""",
            [(i,) for i in ids],
        )
    found = detect(context, ids, since=since)
    assert [len(b.imdb_ids) for b in found.batches] == [50] * 24
    assert [i for b in found.batches for i in b.imdb_ids] == ids
    assert len({b.run_id for b in found.batches}) == 24


def test_no_movie_at_all_is_done_at_once(context):
    found = detect(context, [])
    assert (found.is_done, found.batches, found.failures) == (True, [], [])


def test_with_live_reading_off_nothing_is_asked(context, sample_site, smallest):
    settings = context.settings.model_copy(update={"source_urls": {}})
    off = jobs.Context(settings, context.warehouse, context.open_lake)
    assert detect(off, [smallest]).warnings == [jobs.LIVE_IS_OFF]
    with pytest.raises(BadInput, match="FILMPULSE_IMDB_URL"):
        jobs.collect(smallest, "full", "r1", off)


@pytest.mark.parametrize("ids", [[], ["tt1"], ["tt99000001", "x'; DROP TABLE"]])
def test_a_run_without_good_ids_is_refused(context, ids):
    with pytest.raises(BadInput):
        jobs.plan(ids, "full", "r1", context)


def test_a_run_takes_movies_by_id_or_by_address(context):
    given = ["https://m.imdb.com/title/tt99000002/?ref_=x", "tt99000001", "tt99000002"]
    assert jobs.plan(given, "full", "r1", context) == ["tt99000002", "tt99000001"]
    assert set(ledger(context, "r1")) == {"tt99000001", "tt99000002"}


def test_search_gives_the_sites_suggestions(context):
    title = "the"
    hits = jobs.search(title, context)
    assert hits
    assert {hit.imdb_id for hit in hits} <= set(MOVIE_IDS)


class BrokenLake(Lake):
    """A lake whose store went away."""

    def write(self, name, content):
        raise LakeUnavailable("The store is away.")


def test_a_lake_that_is_away_is_what_the_ledger_says(context, smallest):
    away = jobs.Context(
        context.settings, context.warehouse, lambda: BrokenLake(context.settings.lake_url)
    )
    with pytest.raises(LakeUnavailable):
        jobs.collect(smallest, "full", "r1", away)
    line = ledger(context, "r1")[smallest]
    assert (line["status"], line["reason"]) == ("failed", "lake_unavailable")


def test_an_interruption_keeps_what_was_read_and_says_so(context, middle):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.collect(middle, "full", "r1", context, interrupt)
    line = ledger(context, "r1")[middle]
    assert (line["status"], line["reason"]) == ("failed", "interrupted")
    manifest = context.lake.read_manifest(line["manifest_uri"])
    assert len(list(context.lake.read_reviews(line["manifest_uri"], manifest))) == 25


def test_after_a_collection_that_broke_off_the_whole_list_is_read(context, sample_site, middle):
    Run(context, "r1")(middle)
    sample_site.control("publish", imdb_id=middle, count=60)
    # the button for more fails: 25 of the 60 are read, and loaded
    sample_site.control("switch", name="server_error", imdb_id=middle, value="graphql")
    (uri,) = jobs.collect(middle, "incremental", "r2", context)
    sample_site.control("switch", name="server_error", imdb_id=middle, value=None)
    assert jobs.load(uri, context).inserted == 25
    assert ledger(context, "r2")[middle]["status"] == "partial"
    sample_site.control("publish", imdb_id=middle, count=1)
    (batch,) = detect(context, [middle]).batches
    assert batch.mode == "full"
    assert Run(context, "r3", batch.mode)(middle)[middle].inserted == 36


def test_a_run_that_planned_nothing_is_no_success(context):
    with pytest.raises(CollectionFailed, match="plan"):
        jobs.summarise("never planned", context)


def test_read_but_not_loaded_and_loaded_but_not_scored_are_no_success(context, smallest):
    (uri,) = jobs.collect(smallest, "full", "r1", context)
    with pytest.raises(CollectionFailed, match="not loaded"):
        jobs.summarise("r1", context)
    jobs.load(uri, context)
    with pytest.raises(CollectionFailed, match="3 reviews have no score"):
        jobs.summarise("r1", context)
    jobs.analyse(smallest, context)
    assert jobs.summarise("r1", context).changed_rows == 3
    # a second try of the same run begins anew
    jobs.collect(smallest, "full", "r1", context)
    assert ledger(context, "r1")[smallest]["loaded_at"] is None


def test_the_command_line_says_each_failure_once(context, sample_site, smallest, monkeypatch):
    future = [{"submitted_on": "2999-01-01"}]
    sample_site.control("publish", imdb_id=smallest, count=1, reviews=future)
    monkeypatch.setattr(cli.common, "job_context", lambda: context)
    monkeypatch.setattr(jobs, "analyse", lambda *args, **more: None)
    ran = CliRunner().invoke(cli.app, ["collect", smallest, UNKNOWN])
    assert ran.exit_code == 1
    unscored, dated, missing = (
        [line for line in ran.stderr.splitlines() if words in line]
        for words in ("4 reviews have no score", "1 of 4 reviews are dated in the future", UNKNOWN)
    )
    assert len(unscored) == len(dated) == len(missing) == 1
    assert unscored[0].startswith(smallest)
    assert dated[0].startswith(smallest)
    assert missing[0].endswith("does not exist.")
    assert len(ran.stderr.splitlines()) == 3
    assert "not_found" in ran.stdout
    monkeypatch.undo()
    monkeypatch.setattr(cli.common, "job_context", lambda: context)
    sample_site.control("reset")
    ran = CliRunner().invoke(cli.app, ["collect", smallest, "--full"])
    assert (ran.exit_code, ran.stderr) == (0, "")
