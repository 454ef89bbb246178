"""Sources beside IMDb: a site and a stream that only this file knows, through every job.

CONTRIBUTING.md, "Add a source", says what `ToySite` and `ToyStream` do here.
"""

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from filmpulse import jobs, sources
from filmpulse.config import Settings
from filmpulse.errors import BadInput, Blocked, CollectionFailed, ForeignPage, NotFound
from filmpulse.items import Movie, Removal, Review, SearchHit, Snapshot, author_key
from filmpulse.lake import Lake
from filmpulse.sample_site import MOVIE_IDS
from filmpulse.sources import Drained, FirstPage, SavedReviews
from filmpulse.warehouse import Warehouse

pytestmark = pytest.mark.usefixtures("one_browser")

SECRET = b"for tests only"
OTHER = "tt99999991"
HOST = "toy.example"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Toy:
    """What both toys say of themselves."""

    asks_for = frozenset()
    began_on = date(2020, 1, 1)

    def is_on(self, settings):
        return self.name in settings.source_urls

    def terms(self, settings):
        return sources.Terms(f"{self.name}.example", "Read slowly.")

    def author_id(self, given):
        return given if re.fullmatch(r"user-\d+", given) else None

    def review(self, number, imdb_id, body, user=1, **changes):
        fields = {
            "source": self.name, "review_id": f"{self.name}-{number}", "imdb_id": imdb_id,
            "author_key": author_key(self.name, f"user-{user}", SECRET), "title": "",
            "body": body, "rating_1_10": 7, "submitted_on": date(2026, 3, 1),
            "date_source": "json",
        }  # fmt: skip
        return Review(**fields | changes)


@dataclass
class ToySite(Toy):
    """A site that calls movies by names of its own and names IMDb's id on their pages."""

    pages: dict[str, tuple[str, list[tuple[int, str]]]]
    name = "toy"
    title = "Toy Reviews"
    cleaning_rules = 1
    is_blocked = False
    asked: list[str] = field(default_factory=list)

    def open(self, settings, gate, ids):
        return ToyVisit(self, gate, ids)

    def recognises(self, text):
        return "<toy " in text

    def find_fault(self, text):
        return None if self.recognises(text) else ForeignPage("This is no page of Toy Reviews.")

    def saved_at(self, text):
        return datetime(2026, 4, 1, 12, tzinfo=UTC)

    def clean(self, text, author_secret):
        hashed = author_key(self.name, "user-1", author_secret)
        return text.replace("by user-1", f"by key-{hashed}")

    def user_ids(self, words):
        return (word for word in words if self.author_id(word))

    def read_saved(self, text, *, imdb_id, author_secret, name, saved_at):
        about = json.loads(text.partition("<toy ")[2].partition(">")[0])
        shown = tuple(self.review(n, about["imdb_id"], body) for n, body in about["reviews"])
        return SavedReviews(about["imdb_id"], shown, None, None, about["count"], variant="toy")


class ToyVisit:
    """The site open for one task."""

    host = HOST
    last_page = None

    def __init__(self, site, gate, ids):
        self.site, self.gate, self.ids = site, gate, ids

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def _page(self, imdb_id):
        self.gate.wait(HOST)
        if self.site.is_blocked:
            until = self.gate.pause(HOST, "forbidden")
            raise Blocked(f"{HOST} refuses until {until}.", reason="forbidden")
        self.site.asked.append(imdb_id)
        own = self.ids.source_id(imdb_id) or next(
            (own for own, (of, _) in self.site.pages.items() if of == imdb_id), None
        )
        if own is None:
            raise NotFound(f"{HOST} knows no {imdb_id}.")
        self.ids.note(own, imdb_id, f"its page at {HOST}")
        return self.site.pages[own][1]

    def check_robots(self, imdb_id):
        pass

    def look(self, imdb_id):
        count = len(self._page(imdb_id))
        now = datetime.now(UTC)
        return (
            Movie(imdb_id=imdb_id, title="The Glass Orchard"),
            Snapshot(source="toy", imdb_id=imdb_id, taken_at=now, rating=6.0, review_count=count),
        )

    def first_page(self, imdb_id, author_secret):
        return FirstPage(len(self._page(imdb_id)), None, "toy", False, ", and nothing follows.")

    def crawl(self, imdb_id, mode, known_ids, is_erased):
        return ToyCrawl(self, imdb_id)

    def search(self, query):
        return [SearchHit(imdb_id=of, title=own) for own, (of, _) in self.site.pages.items()]


class ToyCrawl:
    """One collection: a review a batch."""

    movie = snapshot = last_page = reason = None
    variant = "toy"
    status = "partial"
    review_count_start = review_count_end = None
    distinct_ids = 0

    def __init__(self, visit, imdb_id):
        self.visit, self.imdb_id = visit, imdb_id

    @property
    def sentence(self):
        return f"{self.so_far} were read."

    @property
    def so_far(self):
        return f"{self.distinct_ids} of {self.review_count_end}"

    def __iter__(self):
        found = self.visit._page(self.imdb_id)
        self.review_count_start = self.review_count_end = len(found)
        for number, body in found:
            self.distinct_ids += 1
            yield (self.visit.site.review(number, self.imdb_id, body),)
        self.status = "complete"


@dataclass
class ToyStream(Toy):
    """A stream that tells of movies by their own numbers, and holds its newest events only."""

    events: list[object] = field(default_factory=list)
    dropped: int = 0  # events that it no longer holds
    gap_before: datetime | None = None
    fault: Exception | None = None
    name = "brook"
    title = "The Brook"

    def drain(self, settings, gate, ids, *, cursor, imdb_ids):
        gate.wait("brook.example")
        return ToyDrain(self, int(cursor or 0), ids, imdb_ids)


class ToyDrain:
    """What the stream holds after a cursor, an event a piece."""

    def __init__(self, stream, cursor, ids, imdb_ids):
        self.stream, self.cursor, self.ids, self.imdb_ids = stream, cursor, ids, imdb_ids
        self.gap_before = stream.gap_before if cursor < stream.dropped else None

    def __iter__(self):
        if self.stream.fault is not None:
            raise self.stream.fault
        for number in range(max(self.cursor, self.stream.dropped), len(self.stream.events)):
            event = self.stream.events[number]
            is_ours = isinstance(event, Removal) or event.imdb_id in self.imdb_ids
            yield Drained((event,) if is_ours else (), str(number + 1))


@pytest.fixture
def movie():
    """The sample site's movie with the fewest reviews."""
    return MOVIE_IDS[5]


@pytest.fixture
def toy(movie):
    site = ToySite({"glass-orchard": (movie, [(1, "Great acting."), (2, "The music drags.")])})
    sources.register(site)
    yield site
    sources.unregister(site.name)


@pytest.fixture
def brook(movie):
    stream = ToyStream()
    stream.events = [
        stream.review(1, movie, "A wonderful story."),
        stream.review(2, movie, "Boring from end to end.", user=2),
        stream.review(3, OTHER, "Of a movie that nobody tracks."),
    ]
    sources.register(stream)
    yield stream
    sources.unregister(stream.name)


@pytest.fixture
def context(toy, brook, warehouse_url, tmp_path):
    """The two toys, without IMDb."""
    return jobs.Context.from_settings(
        Settings(
            warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri(),
            source_urls={"toy": "http://toy", "brook": "ws://brook"},
            author_secret=SECRET.decode(), request_gap_seconds=0, page_timeout_seconds=15,
        )
    )  # fmt: skip


@pytest.fixture
def all_three(context, sample_site):
    """The two toys and the sample site, read by a real browser."""
    urls = context.settings.source_urls | {"imdb": sample_site.url}
    return replace(context, settings=context.settings.model_copy(update={"source_urls": urls}))


def rows(context, statement, *values):
    with Warehouse(context.warehouse.url).connect() as connection:
        return connection.execute(statement, values).fetchall()


def detect(context, *imdb_ids):
    since = datetime.now(UTC)
    run_id = f"detector {since}"
    return jobs.detect(
        imdb_ids, since=since, until=since + timedelta(hours=1), run_id=run_id, context=context,
        is_active=lambda run: False,
    )  # fmt: skip


def receive(context, found):
    """Do what Airflow does with the runs that detection asks for; return what was loaded."""
    loaded = {}
    for batch in found.batches:
        jobs.mark_triggered(batch.run_id, batch.imdb_ids, context, LONG_AGO)
        for imdb_id in jobs.plan(batch.imdb_ids, batch.mode, batch.run_id, context):
            for uri in jobs.collect(imdb_id, batch.mode, batch.run_id, context):
                loaded[context.lake.subject_of(uri)[0]] = jobs.load(uri, context)
            jobs.analyse(imdb_id, context, run_id=batch.run_id)
        jobs.summarise(batch.run_id, context)
    return loaded


def bodies(context, source):
    return {
        r["review_id"]: r["body"]
        for r in rows(
            context,
            "SELECT review_id, body FROM core.reviews WHERE source = %s AND removed_at IS NULL",
            source,
        )
    }


def checks(context):
    return {
        r["source"]: (r["outcome"], r["reason"])
        for r in rows(context, "SELECT * FROM ops.movie_checks")
    }


def test_one_movie_of_three_sources(all_three, movie, toy, sample_site):
    context = all_three
    found = detect(context, movie)
    assert [(b.imdb_ids, b.mode) for b in found.batches] == [([movie], "full")]
    assert checks(context) == {
        "imdb": ("news", "first"), "toy": ("news", "first"), "brook": ("news", "events")
    }  # fmt: skip
    loaded = receive(context, found)
    count = sample_site.counts()[movie]
    assert {source: one.inserted for source, one in loaded.items()} == {
        "imdb": count, "toy": 2, "brook": 2,
    }  # fmt: skip
    assert {
        (r["source"], r["mode"], r["status"])
        for r in rows(context, "SELECT * FROM ops.collections WHERE loaded_at IS NOT NULL")
    } == {
        ("imdb", "full", "complete"), ("toy", "full", "complete"), ("brook", "stream", "drained")
    }  # fmt: skip
    of = {r["source"]: r for r in rows(context, "SELECT * FROM mart.movie_sources")}
    assert {name: (r["kind"], r["reviews"], r["coverage"]) for name, r in of.items()} == {
        "imdb": ("site", count, 1), "toy": ("site", 2, 1), "brook": ("stream", 2, None),
    }  # fmt: skip
    assert of["brook"]["gapless_since"] is not None
    figures = jobs.summary(movie, context).movie
    assert (figures["reviews"], figures["known_reviews"], figures["coverage"]) == (
        count + 4, count + 4, 1,
    )  # fmt: skip
    assert (figures["site"], figures["sources"]) == ("imdb", ["imdb", "brook", "toy"])
    assert figures["analysed_reviews"] == count + 4
    (card,) = rows(context, "SELECT mart.html_card(%s, '') AS html", movie)
    assert "imdb, brook, toy" in card["html"]
    assert rows(context, "SELECT source, source_id, imdb_id FROM core.movie_ids") == [
        {"source": "toy", "source_id": "glass-orchard", "imdb_id": movie}
    ]
    assert not detect(context, movie).batches
    assert {outcome for outcome, _ in checks(context).values()} == {"no_news"}


def test_only_the_source_with_news_is_read(all_three, movie, toy, brook, sample_site):
    context = all_three
    receive(context, detect(context, movie))
    toy.pages["glass-orchard"][1].append((3, "A third opinion."))
    found = detect(context, movie)
    asked, asked_of_imdb = len(toy.asked), sample_site.state()["requests"]
    assert [batch.mode for batch in found.batches] == ["incremental"]
    assert receive(context, found)["toy"].inserted == 1
    assert (len(toy.asked), sample_site.state()["requests"]) == (asked + 1, asked_of_imdb)
    brook.events.append(brook.review(4, movie, "The last word."))
    assert set(receive(context, detect(context, movie))) == {"brook"}
    assert len(bodies(context, "brook")) == 3


def test_a_stream_edits_and_removes(context, movie, brook):
    receive(context, detect(context, movie))
    brook.events += [
        brook.review(1, movie, "A wonderful story, seen again.", rating_1_10=9),
        Removal(source="brook", review_id="brook-2"),
        Removal(source="brook", review_id="brook-99"),  # nobody knows it
        brook.review(5, movie, "Written and withdrawn."),
        Removal(source="brook", review_id="brook-5"),
    ]
    loaded = receive(context, detect(context, movie))["brook"]
    assert (loaded.inserted, loaded.revised, loaded.removed) == (0, 1, 1)
    assert bodies(context, "brook") == {"brook-1": "A wonderful story, seen again."}
    (revision,) = rows(context, "SELECT * FROM core.review_revisions WHERE source = 'brook'")
    assert (revision["body"], revision["rating_1_10"]) == ("A wonderful story.", 7)
    brook.events.append(brook.review(2, movie, "Boring from end to end.", user=2))
    assert receive(context, detect(context, movie))["brook"].updated == 1
    assert set(bodies(context, "brook")) == {"brook-1", "brook-2"}


def test_a_gap_in_a_stream_is_told(context, movie, brook):
    receive(context, detect(context, movie))
    brook.events += [brook.review(n, movie, f"Number {n}.") for n in range(10, 20)]
    brook.dropped, brook.gap_before = 12, datetime.now(UTC)
    found = detect(context, movie)
    with pytest.raises(CollectionFailed, match="is lost"):
        receive(context, found)
    (line,) = rows(
        context,
        "SELECT * FROM ops.collections WHERE mode = 'stream' ORDER BY collection_id DESC LIMIT 1",
    )
    assert (line["status"], line["reason"]) == ("partial", "gap")
    (told,) = rows(context, "SELECT * FROM mart.movie_sources WHERE source = 'brook'")
    assert told["gapless_since"] == brook.gap_before
    assert told["reviews"] == 2 + 1  # the one event that the stream still held


def test_a_stream_that_is_read_twice_changes_nothing(context, movie):
    receive(context, detect(context, movie))
    before = rows(context, "SELECT * FROM core.reviews ORDER BY source, review_id")
    with context.warehouse.connect() as connection:  # as if the cursor had not been stored
        connection.execute("UPDATE ops.streams SET cursor = '0'")
    loaded = receive(context, detect(context, movie))
    assert loaded == {"brook": jobs.Loaded()}
    assert rows(context, "SELECT * FROM core.reviews ORDER BY source, review_id") == before


def test_a_source_that_refuses_stops_no_other(all_three, movie, toy, brook):
    context = all_three
    toy.is_blocked, brook.fault = True, Blocked("The Brook refuses.", reason="forbidden")
    found = detect(context, movie)
    assert len(found.failures) == 2
    assert found.is_done
    assert set(receive(context, found)) == {"imdb"}
    # By hand all sources are read, and the run says which of them did not end well.
    run_id = jobs.new_run_id()
    jobs.plan([movie], "full", run_id, context)
    assert len(jobs.collect(movie, "full", run_id, context)) == 2
    failures = jobs.review_run(run_id, context).failures
    assert any("Toy Reviews" in failure and "blocked" in failure for failure in failures)


def test_a_source_that_breaks_stops_no_other(context, movie, brook):
    brook.fault = ZeroDivisionError("an event that nobody foresaw")
    found = detect(context, movie)
    assert [failure.partition(" ")[0] for failure in found.failures] == ["The"]
    assert set(receive(context, found)) == {"toy"}


def test_a_clock_that_goes_back_hides_no_event(context, movie, brook):
    receive(context, detect(context, movie))
    with context.warehouse.connect() as connection:
        ahead = datetime.now(UTC) + timedelta(days=1)
        connection.execute("UPDATE ops.streams SET drained_at = %s", (ahead,))
        connection.execute(
            "UPDATE ops.collections SET started_at = %s WHERE mode = 'stream'", (ahead,)
        )
    brook.events.append(brook.review(4, movie, "The last word."))
    assert receive(context, detect(context, movie))["brook"].inserted == 1


def test_a_late_collection_of_a_stream_is_put_in_its_place(context, movie, brook):
    first = detect(context, movie)
    jobs.mark_triggered("one", [movie], context, LONG_AGO)
    jobs.plan([movie], "full", "one", context)
    early = jobs.collect(movie, "full", "one", context)
    brook.events += [
        brook.review(1, movie, "A wonderful story, seen again."),
        Removal(source="brook", review_id="brook-2"),
    ]
    assert first.batches
    detect(context, movie)
    jobs.mark_triggered("two", [movie], context, LONG_AGO)
    jobs.plan([movie], "full", "two", context)
    for uri in [*jobs.collect(movie, "full", "two", context), *early]:
        jobs.load(uri, context)
    assert bodies(context, "brook") == {"brook-1": "A wonderful story, seen again."}

    def stored():
        return [
            rows(context, "SELECT * FROM core.reviews ORDER BY source, review_id"),
            rows(context, "SELECT * FROM core.review_revisions ORDER BY source, review_id"),
        ]

    before = stored()
    assert jobs.rebuild(context).loaded == jobs.Loaded()
    assert stored() == before


@pytest.mark.parametrize(
    ("kind", "given", "left"),
    [
        ("author", "user-2", {"brook": 1, "toy": 2}),
        ("review", "toy-1", {"brook": 2, "toy": 1}),
        ("movie", None, {"brook": 0, "toy": 0}),
    ],
)
def test_what_is_erased_is_nowhere(context, movie, toy, brook, kind, given, left):
    receive(context, detect(context, movie))
    for one in jobs.find_stored(kind, given or movie, None, context):
        assert jobs.preview(kind, one.key, context, one.source) == jobs.erase(
            kind, one.key, context, one.source
        )
    assert {source: len(bodies(context, source)) for source in left} == left
    root = Path(context.settings.lake_url.removeprefix("file://"))
    reviews = [
        json.loads(line)["review_id"]
        for name in [*context.lake.names("reviews"), *context.lake.names("streams")]
        if name.endswith(".gz")
        for line in context.lake._lines(name).splitlines()
    ]
    assert root.exists()
    for source, count in left.items():
        assert len({i for i in reviews if i.startswith(source)}) == count
    # The stream tells the same again: what was erased does not come back.
    with context.warehouse.connect() as connection:
        connection.execute("UPDATE ops.streams SET cursor = '0'")
    if kind != "movie":
        receive(context, detect(context, movie))
        assert {source: len(bodies(context, source)) for source in left} == left


def test_saved_pages_go_to_their_source(context, movie, tmp_path):
    about = {"imdb_id": movie, "reviews": [[7, "Saved by hand."]], "count": 9}
    page = tmp_path / "page.html"
    page.write_text(f"<html><toy {json.dumps(about)}>by user-1</html>")
    (added,) = jobs.add_to_inbox(page, context)
    assert added.is_new, added.sentence
    waiting = context.lake.read(f"inbox/{added.name}").decode()
    assert "user-1" not in waiting
    assert "key-" in waiting
    (name,) = jobs.plan_import(context)
    (imported,) = jobs.import_file(name, "run", context).pages
    assert (imported.status, imported.reviews) == ("partial", 1)
    assert bodies(context, "toy") == {"toy-7": "Saved by hand."}
    key = jobs.find_key("author", "user-1", "toy", context.settings)
    assert jobs.erase("author", key, context, "toy").objects >= 1
    assert context.lake.names("inbox/done") == []


def test_a_site_that_is_off_is_left_alone(context, movie, toy):
    off = context.settings.model_copy(update={"source_urls": {"brook": "ws://brook"}})
    quiet = jobs.Context(off, context.warehouse, lambda: Lake(off.lake_url))
    assert set(receive(quiet, detect(quiet, movie))) == {"brook"}
    assert toy.asked == []
    with pytest.raises(BadInput, match="FILMPULSE_IMDB_URL"):
        jobs.search("orchard", quiet)
    assert [hit.imdb_id for hit in jobs.search("the", context)] == [movie]


def test_an_older_lake_is_read(context, movie, toy):
    """Collections once lay at the root, beside the areas."""
    receive(context, detect(context, movie))
    before = rows(context, "SELECT * FROM core.reviews ORDER BY source, review_id")
    root = Path(context.settings.lake_url.removeprefix("file://"))
    for source in (root / "reviews").iterdir():
        source.rename(root / source.name)
    with context.warehouse.connect() as connection:
        connection.execute("TRUNCATE core.movies, ops.loads, ops.collections CASCADE")
    assert {one.status for one in jobs.rebuild(context).verdicts} == {"rebuilt"}
    assert rows(context, "SELECT * FROM core.reviews ORDER BY source, review_id") == before
    toy.pages["glass-orchard"][1].append((3, "A third opinion."))
    detected = detect(context, movie)
    assert receive(context, detected)["toy"].inserted == 1
    assert context.lake.folders("reviews") == ["toy"]
    assert context.lake.sources() == {"brook", "toy"}
