"""Retention: words, kept pages and files go when their time is over, and nothing else does."""

import gzip
import json
import os
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from helpers.tables import contents

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.items import AspectScore, Call, Reading, Review, ReviewText, analysed_text
from filmpulse.jobs.upkeep.clean_again import MARKER
from filmpulse.lake import Lake, Manifest
from filmpulse.warehouse import statement
from filmpulse.warehouse.ledger import open_ledger

DAGS = Path(__file__).resolve().parents[3] / "dags"
MOVIE = "tt99000001"
DAY = timedelta(days=1)
NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
OLD, NEW, THIRD = (
    "The acting is wonderful, and everybody who was there with me said so. Żółta łódź \u2028 👩‍🚀",
    "The music is dull. “Never again.”",
    "Third thoughts: the acting is bad.",
)


@pytest.fixture
def context(warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=(tmp_path / "lake").as_uri())
    )


def with_settings(context, **changes):
    return jobs.Context(
        context.settings.model_copy(update=changes), context.warehouse, context.open_lake
    )  # fmt: skip


def review(number, imdb_id=MOVIE, **changes):
    fields = {
        "review_id": f"rw{number}",
        "imdb_id": imdb_id,
        "title": f"Title {number}",
        "body": OLD,
        "rating_1_10": 7,
        "submitted_on": date(2026, 10, 1),
        "date_source": "json",
    }
    return Review(**fields | changes)


def see(context, days_ago, reviews, imdb_id=MOVIE, is_loaded=True, **changes):
    """Collect, load and score; answer the manifest's URI."""
    at = NOW - days_ago * DAY
    writer = context.lake.begin("imdb", imdb_id, at)
    writer.append(reviews[:1])
    writer.append(reviews[1:])
    fields = {
        "run_id": f"{imdb_id} {days_ago}",
        "source": "imdb",
        "imdb_id": imdb_id,
        "mode": "full",
        "started_at": at,
        "finished_at": at,
        "status": "complete",
        "distinct_ids": len(reviews),
        "parts": tuple(writer.parts),
    }
    uri = writer.close(Manifest(**fields | changes))
    if is_loaded:
        jobs.load(uri, context)
        jobs.analyse(imdb_id, context)
    return uri


def rows(context, statement, *values):
    with context.warehouse.connect() as connection:
        return connection.execute(statement, values).fetchall()


def bodies(context):
    return {r["review_id"]: r["body"] for r in rows(context, "SELECT * FROM core.reviews")}


def lines(context):
    return [
        review
        for uri in context.lake.manifests()
        for review in context.lake.read_reviews(uri, context.lake.read_manifest(uri))
    ]


TABLES = ("core.reviews", "core.review_revisions", "core.review_analyses", "core.aspect_scores")


def tables(context):
    return contents(context.warehouse, TABLES)


def xmins(context):
    return contents(context.warehouse, TABLES, with_version=True)


def objects(context):
    return {name: context.lake.read(name) for name in context.lake.names("reviews/imdb")}


def is_rebuilt_equal(context):
    """Whether a rebuild of the same warehouse, and of an empty one, gives the same reviews."""
    wanted = tables(context)
    jobs.rebuild(context)
    same = tables(context) == wanted
    with context.warehouse.connect() as connection:
        connection.execute("TRUNCATE core.movies, ops.loads, ops.collections CASCADE")
    jobs.rebuild(context)
    kept = ("core.reviews", "core.review_revisions")
    return same and {t: tables(context)[t] for t in kept} == {t: wanted[t] for t in kept}


def test_words_of_removed_reviews_and_old_versions_go_and_the_rest_stays(context):
    see(context, 90, [review(1), review(2), review(3, body=NEW)])
    see(context, 60, [review(1, body=NEW, rating_1_10=2), review(3, body=NEW)])
    before = {r["review_id"]: r for r in rows(context, "SELECT * FROM core.reviews")}
    scores = rows(context, "SELECT * FROM core.review_analyses ORDER BY review_id, content_hash")
    aspects = "SELECT review_id, content_hash, aspect, score FROM core.aspect_scores ORDER BY 1,2,3"
    mentioned = rows(context, aspects)
    took = jobs.apply_retention(context, NOW)
    assert took == jobs.Retained(texts=2, quotes=2, lines=2)
    after = {r["review_id"]: r for r in rows(context, "SELECT * FROM core.reviews")}
    assert after == before | {"rw2": before["rw2"] | {"title": None, "body": None}}
    (revision,) = rows(context, "SELECT * FROM core.review_revisions")
    assert (revision["title"], revision["body"], revision["rating_1_10"]) == (None, None, 7)
    assert revision["content_hash"] == before["rw2"]["content_hash"] or revision["content_hash"]
    assert rows(context, "SELECT * FROM core.review_analyses ORDER BY review_id, content_hash") == (
        scores
    )
    assert rows(context, aspects) == mentioned
    gone = rows(context, """SELECT quote, quote_start FROM core.aspect_scores
                          WHERE review_id = 'rw2'
                             OR content_hash = %s""", revision["content_hash"])  # fmt: skip
    assert gone == [{"quote": None, "quote_start": None}] * 2
    kept = rows(context, "SELECT quote FROM core.aspect_scores WHERE quote IS NOT NULL")
    assert len(kept) == len(mentioned) - 2
    for line in lines(context):
        if line.dropped:
            assert (line.title, line.body) == ("", "")
        else:
            assert line.body == NEW
    assert OLD not in "".join(gzip.decompress(c).decode() for n, c in objects(context).items()
                              if n.endswith(".gz"))  # fmt: skip
    assert after["rw2"]["language"] == "en"
    jobs.summary(MOVIE, context)
    assert is_rebuilt_equal(context)


def test_a_second_round_changes_nothing(context):
    see(context, 90, [review(1), review(2)])
    see(context, 60, [review(1, body=NEW)])
    jobs.apply_retention(context, NOW)
    before, stored = xmins(context), objects(context)
    assert jobs.apply_retention(context, NOW) == jobs.Retained()
    assert xmins(context) == before
    assert objects(context) == stored


@pytest.mark.parametrize(("late", "drops"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_the_boundary_is_to_the_second(context, late, drops):
    see(context, 90, [review(1), review(2)])
    see(context, 30, [review(1)])
    assert (jobs.apply_retention(context, NOW - late).texts == 1) is drops
    assert (bodies(context)["rw2"] is None) is drops


def test_none_are_kept_where_none_are_wanted(context):
    see(context, 2, [review(1), review(2)])
    see(context, 1, [review(1)])
    assert jobs.apply_retention(context, NOW) == jobs.Retained()
    assert jobs.apply_retention(with_settings(context, removed_text_days=0), NOW).texts == 1
    assert bodies(context) == {"rw1": OLD, "rw2": None}


def test_words_that_a_living_review_says_stay_wherever_they_stand(context):
    """Edited and edited back: the old version and the review have one hash."""
    see(context, 90, [review(1, body=OLD), review(2)])
    see(context, 80, [review(1, body=NEW), review(2)])
    see(context, 70, [review(1, body=OLD), review(2, rating_1_10=1)])
    # the words between, and nothing of what is said today
    assert jobs.apply_retention(context, NOW) == jobs.Retained(texts=1, quotes=1, lines=1)
    query = "SELECT body FROM core.review_revisions ORDER BY review_id, replaced_at"
    assert [r["body"] for r in rows(context, query)] == [OLD, None, OLD]
    assert is_rebuilt_equal(context)


def test_a_younger_version_with_the_same_words_keeps_the_older(context):
    see(context, 90, [review(1, body=OLD)])
    see(context, 80, [review(1, body=NEW)])
    see(context, 70, [review(1, body=OLD)])
    see(context, 10, [review(1, body=THIRD)])
    assert jobs.apply_retention(context, NOW).texts == 1
    found = rows(context, "SELECT body FROM core.review_revisions ORDER BY replaced_at")
    assert [r["body"] for r in found] == [OLD, None, OLD]
    assert is_rebuilt_equal(context)
    assert jobs.apply_retention(context, NOW + 20 * DAY).texts == 2
    assert is_rebuilt_equal(context)


def test_the_same_words_in_another_review_are_another_text(context):
    see(context, 90, [review(1, title=""), review(2, title="")])
    see(context, 60, [review(1, title="")])
    jobs.apply_retention(context, NOW)
    assert bodies(context) == {"rw1": OLD, "rw2": None}


def test_a_review_that_returns_says_its_words_again_without_a_version(context):
    see(context, 90, [review(1), review(2)])
    see(context, 60, [review(1)])
    jobs.apply_retention(context, NOW)
    see(context, -1, [review(1), review(2)])
    (row,) = rows(context, "SELECT * FROM core.reviews WHERE review_id = 'rw2'")
    assert (row["body"], row["removed_at"]) == (OLD, None)
    assert rows(context, "SELECT FROM core.review_revisions") == []
    assert jobs.apply_retention(context, NOW + 2 * DAY).texts == 0
    assert is_rebuilt_equal(context)


def test_a_late_collection_may_bring_words_back_until_the_next_round(context):
    see(context, 90, [review(1), review(2)])
    see(context, 60, [review(1)])
    jobs.apply_retention(context, NOW)
    see(context, 75, [review(1), review(2)])
    assert bodies(context)["rw2"] == OLD
    assert jobs.apply_retention(context, NOW) == jobs.Retained(texts=1, lines=1)
    assert bodies(context)["rw2"] is None
    assert is_rebuilt_equal(context)


def test_a_crash_between_lake_and_warehouse_is_completed(context, monkeypatch):
    see(context, 90, [review(1), review(2), review(3)])
    see(context, 60, [review(1)])
    before = tables(context)
    left = 10**6

    def write(self, name, content, real=Lake.write):
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return real(self, name, content)

    with monkeypatch.context() as patched:
        patched.setattr(Lake, "write", write)
        left = 0
        with pytest.raises(KeyboardInterrupt):
            jobs.apply_retention(context, NOW)
        assert tables(context) == before
    with monkeypatch.context() as patched:
        patched.setattr(statement, "sql", lambda n, real=statement.sql: real(
            n if n != "retention_drop" else "no such statement"))  # fmt: skip
        with pytest.raises(KeyError):
            jobs.apply_retention(context, NOW)
    assert tables(context) == before
    assert jobs.apply_retention(context, NOW).texts == 2
    assert bodies(context) == {"rw1": OLD, "rw2": None, "rw3": None}
    assert is_rebuilt_equal(context)


def test_many_movies_one_after_the_other(context, monkeypatch):
    for n in range(5):
        imdb_id = f"tt9900010{n}"
        see(context, 90, [review(n, imdb_id)], imdb_id)
        see(context, 60, [], imdb_id)
    text = statement.sql("retention_movies").replace("LIMIT 200", "LIMIT 2")
    monkeypatch.setattr(statement, "sql", lambda name, real=statement.sql: (
        text if name == "retention_movies" else real(name)))  # fmt: skip
    assert jobs.apply_retention(context, NOW).texts == 5


def age(context, name, days):
    path = context.settings.lake_url.removeprefix("file://") + f"/{name}"
    at = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (at, at))


def test_kept_pages_and_files_go_after_their_days(context):
    ages = {
        f"quarantine/imdb/{MOVIE}/20261020T040000000000-layout_changed.html.gz": 30,
        f"quarantine/imdb/{MOVIE}/20261021T040000000000-layout_changed.html.gz": 29,
        "inbox/done/a.html": 30, "inbox/done/b.html": 29,
        "inbox/failed/c.html": 31, "inbox/failed/c.html.reason.txt": 31,
        "inbox/waits.html": 99,
    }  # fmt: skip
    jobs.apply_retention(context, NOW)  # looks through the empty folders, once
    for name, days in ages.items():
        context.lake.write(name, b"page")
        age(context, name, days)
    took = jobs.apply_retention(context, NOW)
    assert took == jobs.Retained(pages=1, files=3)
    left = set(context.lake.names("")) - {MARKER}
    assert left == {name for name, days in ages.items() if days < 30 or name == "inbox/waits.html"}
    assert jobs.apply_retention(with_settings(context, quarantine_days=29), NOW).pages == 1


def test_a_collection_that_was_never_sealed_goes(context):
    uri = see(context, 1, [review(1)])
    for days in (40, 1):
        writer = context.lake.begin("imdb", MOVIE, NOW - days * DAY)
        writer.append([review(2)])
        age(context, f"{context.lake.name_of(writer.manifest_uri).rpartition('/')[0]}/"
                   "reviews-00001.jsonl.gz", days)  # fmt: skip
    age(context, context.lake.name_of(uri), 99)
    assert jobs.apply_retention(context, NOW) == jobs.Retained(unfinished=1)
    assert context.lake.manifests() == [uri]
    assert len(context.lake.names("reviews/imdb")) == 3


def test_requests_by_the_hour_are_kept_for_400_days(context):
    for days in (399, 400, 401):
        rows(context, "INSERT INTO ops.host_hours VALUES ('h', %s, 7, 0) RETURNING host",
             NOW - days * DAY)  # fmt: skip
    assert jobs.apply_retention(context, NOW) == jobs.Retained(hours=2)
    assert jobs.apply_retention(context, NOW) == jobs.Retained()
    assert [r["hour"] for r in rows(context, "SELECT hour FROM ops.host_hours")] == [
        NOW - 399 * DAY
    ]


def test_what_was_erased_while_it_was_read_goes_by_the_next_day(context):
    now = datetime.now(UTC)
    jobs.erase("review", "rw2", context)
    # a worker wrote on, and died before loading; a page came through the inbox
    uri = see(context, 0, [review(1), review(2)], is_loaded=False)
    context.lake.write("inbox/done/page.html", b'<a href="/review/rw2/">')
    context.lake.write("inbox/waiting.html", b'<a href="/review/rw2/">')
    assert jobs.apply_retention(context, now).erased == 2
    assert [r.review_id for r in lines(context)] == ["rw1"]
    assert context.lake.read_manifest(uri).distinct_ids == 1
    assert context.lake.names("inbox") == ["inbox/waiting.html"]
    assert jobs.apply_retention(context, now) == jobs.Retained()


def test_the_dag_says_what_it_took(context, monkeypatch):
    from airflow.dag_processing.dagbag import DagBag

    from filmpulse import airflow_bridge

    found = DagBag(dag_folder=str(DAGS / "retention.py"))
    assert found.import_errors == {}
    (task,) = found.dags["retention"].tasks
    monkeypatch.setattr(airflow_bridge, "job_context", lambda: context)
    see(context, 0, [])
    assert json.loads(json.dumps(task.python_callable())) == jobs.Retained()._asdict()


def test_words_go_from_collections_that_were_never_loaded_too(context):
    see(context, 60, [review(1), review(2)])
    orphan = see(context, 59, [review(1), review(2)], is_loaded=False)
    see(context, 50, [review(2)])
    assert jobs.apply_retention(context, NOW).lines == 2
    manifest = context.lake.read_manifest(orphan)
    words = {r.review_id: r.body for r in context.lake.read_reviews(orphan, manifest)}
    assert words == {"rw1": "", "rw2": OLD}
    jobs.load(orphan, context)
    (row,) = rows(context, "SELECT * FROM core.reviews WHERE review_id = 'rw1'")
    assert (row["body"], row["removed_at"]) == (None, NOW - 50 * DAY)


def ask(context, review, **changes):
    """Have a model answer, with two quotes; return the key of its answer."""
    text = analysed_text(review.title, review.body)
    key = sha256(text.encode()).hexdigest()
    fields = {name: getattr(review, name) for name in ("source", "review_id", "imdb_id")}
    given = ReviewText(**fields, content_hash=review.content_hash, language="en", text=text)
    said = {
        "status": "scored",
        "overall": 1,
        "overall_quote": review.body[:20],
        "overall_quote_start": text.index(review.body),
        "aspects": (
            AspectScore(aspect="sound", score=-1),
            AspectScore(aspect="acting", score=2, quote=review.body[-12:], quote_start=9),
        ),
    }
    with open_ledger(
        context.warehouse, run_id="run", model="toy", prompt_version="v", run_usd=9, day_usd=9
    ) as ledger:
        call_id = ledger.begin(key, given, most_usd=0.02, lease_seconds=60)
        ledger.end(call_id, Call(outcome="scored", cost_usd=0.01), Reading(**said | changes))
    return key


def kept(context):
    """Each answer as a model's analyser would find it, by its key."""
    with open_ledger(
        context.warehouse, run_id="run", model="toy", prompt_version="v", run_usd=9, day_usd=9
    ) as ledger:
        keys = [row["key"] for row in rows(context, "SELECT key FROM ops.llm_results")]
        return ledger.find(keys)


def without_quotes(reading):
    bare = {"quote": None, "quote_start": None}
    aspects = tuple(aspect.model_copy(update=bare) for aspect in reading.aspects)
    return reading.model_copy(
        update={"overall_quote": None, "overall_quote_start": None, "aspects": aspects}
    )


def test_a_models_quotes_go_with_the_words_and_its_scores_stay(context):
    before, lives, removed = review(1), review(1, body=NEW), review(2, body=THIRD)
    see(context, 90, [before, removed])
    old, gone = ask(context, before), ask(context, removed)
    see(context, 60, [lives])
    new = ask(context, lives)
    with context.warehouse.connect() as connection:
        connection.execute(
            "UPDATE core.review_analyses SET overall_quote = 'said so', overall_quote_start = 0"
        )
    calls, answers = rows(context, "SELECT * FROM ops.llm_calls"), kept(context)
    query = "SELECT review_id, content_hash, overall FROM core.review_analyses ORDER BY 1, 2"
    scores = rows(context, query)
    aspect_quotes = rows(
        context, "SELECT FROM core.aspect_scores WHERE content_hash <> %s", lives.content_hash
    )
    took = jobs.apply_retention(context, NOW)
    # of each text: its analysis' overall quote, and two in the answer; those of its aspects
    assert (took.texts, took.quotes) == (2, 2 * (1 + 2) + len(aspect_quotes))
    assert kept(context) == {
        old: without_quotes(answers[old]),
        gone: without_quotes(answers[gone]),
        new: answers[new],
    }
    assert rows(context, "SELECT * FROM ops.llm_calls") == calls
    assert rows(context, query) == scores
    quoted = rows(
        context,
        """SELECT review_id, content_hash FROM core.review_analyses
           WHERE overall_quote IS NOT NULL OR overall_quote_start IS NOT NULL""",
    )
    assert quoted == [{"review_id": "rw1", "content_hash": lives.content_hash}]
    assert jobs.apply_retention(context, NOW) == jobs.Retained()


def test_a_models_quotes_stay_while_another_review_says_the_same(context):
    other = "tt99000002"
    same = {"title": "", "body": NEW}
    see(context, 90, [review(1, **same), review(2)])
    see(context, 80, [review(3, other, **same), review(4, other)], other)
    key = ask(context, review(1, **same))
    answer = kept(context)[key]
    see(context, 60, [review(2)])
    assert jobs.apply_retention(context, NOW).texts == 1
    assert kept(context)[key] == answer
    see(context, 50, [review(4, other)], other)
    took = jobs.apply_retention(context, NOW)
    assert (took.texts, kept(context)[key]) == (1, without_quotes(answer))


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "refused", "overall": None},
        {"aspects": ()},
        {"overall_quote": None, "overall_quote_start": None},
    ],
)
def test_answers_without_some_of_it_are_no_trouble(context, answer):
    bare = {"overall_quote": None, "overall_quote_start": None, "aspects": ()}
    see(context, 90, [review(1), review(2)])
    key = ask(context, review(2), **(bare if "status" in answer else {}) | answer)
    before = kept(context)[key]
    see(context, 60, [review(1)])
    jobs.apply_retention(context, NOW)
    assert kept(context)[key] == without_quotes(before)
