"""What the keyless analyser learns of a movie: who acts in it, and where its wholes are cut."""

import itertools
import re
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from helpers.tables import contents
from helpers.waiting import wait_until

from filmpulse import jobs
from filmpulse.analysis import lexicon
from filmpulse.analysis.lexicon.cuts import FIXED_CUTS, choose_cuts, cut
from filmpulse.config import Settings
from filmpulse.items import Analysis, AspectScore, Movie, Review
from filmpulse.jobs.reception import calibrate, score
from filmpulse.lake import Manifest
from filmpulse.warehouse import Warehouse

A, B = "tt9900001", "tt9900002"
GRADES = (1, 3, 6, 8, 10)


class Toy:
    """A lexicon that reads the valence off a text, or the opposite, and notes whom it was told."""

    kind, model = "lexicon", None

    def __init__(self, version="1", sign=1, fails_at=None):
        self.prompt_version, self.parameters = f"toy {version}", {}
        self.sign, self.fails_at, self.cast = sign, fails_at, {}

    def analyse(self, texts):
        for number, text in enumerate(texts):
            if number == self.fails_at:
                raise KeyboardInterrupt
            self.cast[text.review_id] = text.cast
            valence = self.sign * float(re.search(r"\{(.*)\}", text.text)[1])
            yield Analysis(
                source=text.source, review_id=text.review_id, imdb_id=text.imdb_id,
                content_hash=text.content_hash, status="scored", valence=valence,
                overall=cut(valence, FIXED_CUTS),
                aspects=(AspectScore(aspect="acting", score=self.sign),),
            )  # fmt: skip


@pytest.fixture
def context(warehouse_url, tmp_path):
    return jobs.Context.from_settings(
        Settings(warehouse_url=warehouse_url, lake_url=tmp_path.as_uri())
    )


@pytest.fixture
def use(monkeypatch):
    """Return a function that makes an analyser the keyless one."""

    def use(analyser):
        monkeypatch.setattr(score, "make_analyser", lambda kind: analyser)
        return analyser

    return use


def rows(context, statement, *values):
    with Warehouse(context.warehouse.url).connect() as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


_numbers = itertools.count(1)


def store(context, imdb_id, rated, unrated=0):
    """Store reviews, valences from -0.5 up, grades all alike but the last one."""
    rows(
        context,
        "INSERT INTO core.movies (imdb_id, title, facts_as_of, cast_names) "
        "VALUES (%s, 'The Long Queue', now(), '{Ada Holm}') ON CONFLICT DO NOTHING",
        imdb_id,
    )
    with Warehouse(context.warehouse.url).connect() as connection:
        connection.cursor().executemany(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at, rating_1_10) "
            "VALUES ('imdb', %s, %s, 'Seen', %s, false, %s, now(), %s)",
            [
                (
                    f"rw{number}", imdb_id, f"{{{n / 256 - 0.5}}}", f"hash {number}",
                    GRADES[n % 5] if n < rated else None,
                )
                for n, number in zip(range(rated + unrated), _numbers, strict=False)
            ],
        )  # fmt: skip


def calibration(context, imdb_id=A):
    (found,) = rows(context, "SELECT * FROM core.calibrations WHERE imdb_id = %s", imdb_id)
    return found


def a_week_later(context):
    rows(context, "UPDATE core.calibrations SET calibrated_at = calibrated_at - interval '8 days'")


def shown(context, imdb_id=A):
    """Return what the marts show of each review."""
    return rows(
        context,
        "SELECT review_id, overall, rating_1_10 FROM mart.reviews WHERE imdb_id = %s "
        "AND analysis_status IS NOT NULL ORDER BY review_id",
        imdb_id,
    )


def is_cut(context, imdb_id=A):
    """Tell whether every whole is cut where the movie's only calibration says."""
    return is_cut_by(context, calibration(context, imdb_id)["analyser_id"], imdb_id)


def is_cut_by(context, analyser_id, imdb_id=A):
    """Tell whether every whole of an analyser is cut where its calibration of the movie says."""
    ((cuts,),) = (
        row.values()
        for row in rows(
            context,
            "SELECT cuts FROM core.calibrations WHERE (imdb_id, analyser_id) = (%s, %s)",
            imdb_id, analyser_id,
        )
    )  # fmt: skip
    found = rows(
        context,
        "SELECT overall, valence FROM core.review_analyses WHERE (imdb_id, analyser_id) = (%s, %s)",
        imdb_id, analyser_id,
    )  # fmt: skip
    cuts = tuple(cuts)
    return [row["overall"] for row in found] == [cut(row["valence"], cuts) for row in found]


# ------------------------------------------------------------------------ where wholes are cut


@pytest.mark.parametrize(
    ("own", "others", "learned_from", "rated"),
    [
        (99, 200, "fixed", 299),
        (99, 201, "warehouse", 300),
        (100, 0, "movie", 100),
        (100, 201, "movie", 100),
        (0, 0, "fixed", 0),
    ],
)
def test_whose_grades_cut_a_movie(context, use, own, others, learned_from, rated):
    use(Toy())
    store(context, B, others, unrated=1)
    store(context, A, own, unrated=20)
    jobs.analyse(B, context)
    jobs.analyse(A, context)
    found = calibration(context)
    assert (found["cuts_from"], found["rated_reviews"], found["texts"]) == (
        learned_from, rated, own + 20,
    )  # fmt: skip
    assert (tuple(found["cuts"]) == FIXED_CUTS) == (learned_from == "fixed")
    assert len(shown(context)) == own + 20
    assert is_cut(context)


def test_the_lexicon_itself_gives_what_is_cut(context):
    store(context, A, 120)
    rows(
        context, "UPDATE core.reviews SET body = 'The acting is superb, the plot is dull. ' || body"
    )
    assert jobs.analyse(A, context).scored == 120
    assert calibration(context)["cuts_from"] == "movie"
    assert is_cut(context)


def test_removed_and_edited_reviews_teach_nothing(context, use):
    use(Toy())
    store(context, A, 102)
    jobs.analyse(A, context)
    first, *_, last = sorted(row["review_id"] for row in shown(context))
    rows(context, "UPDATE core.reviews SET removed_at = now() WHERE review_id = %s", first)
    rows(
        context,
        "UPDATE core.reviews SET content_hash = 'edited', body = '{3.5}' WHERE review_id = %s",
        last,
    )
    a_week_later(context)
    jobs.analyse_backlog("r", context)
    pairs = {}
    for row in rows(
        context,
        "SELECT valence, rating_1_10 AS grade FROM core.review_analyses "
        "JOIN mart.current_reviews USING (source, review_id, content_hash)",
    ):
        pairs[row["valence"], row["grade"]] = pairs.get((row["valence"], row["grade"]), 0) + 1
    found = calibration(context)
    assert (found["rated_reviews"], tuple(found["cuts"])) == (101, choose_cuts(pairs, dict).cuts)


def kinder(context):
    """Let everybody give better grades, so that the cuts move."""
    rows(context, "UPDATE core.reviews SET rating_1_10 = least(rating_1_10 + 3, 10)")


def test_cuts_are_learned_anew_after_a_week_and_the_run_tells_it(context, use):
    use(Toy())
    store(context, A, 120)
    store(context, B, 120)
    for imdb_id in (A, B):
        jobs.analyse(imdb_id, context, run_id="first")
    first = jobs.review_scoring("first", [A, B], context)
    assert (first.lines, first.changed_rows) == ([], 0)
    before = shown(context)
    kinder(context)
    assert jobs.plan_backlog(context) == ([], [])  # the week is not over
    jobs.analyse_backlog("early", context)
    assert shown(context) != before  # the grades
    assert [row["overall"] for row in shown(context)] == [row["overall"] for row in before]

    a_week_later(context)
    planned = jobs.plan_backlog(context)
    assert [(movie.imdb_id, movie.texts) for movie in planned.to_score] == [(A, 0), (B, 0)]
    assert jobs.analyse_backlog("r1", context, [A]) == (0, 0, 0, False)
    told = jobs.summarise_backlog("r1", [m for m in planned.to_score if m.imdb_id == A], context)
    changed = sum(
        new["overall"] != old["overall"] for new, old in zip(shown(context), before, strict=True)
    )
    assert changed > 20
    assert told.changed_rows == changed
    (line,) = told.lines
    assert f"{A} The Long Queue: {changed} texts" in line
    assert (told.warnings, told.failures) == ([], [])
    assert is_cut(context)
    assert [row["overall"] for row in shown(context, B)] == [row["overall"] for row in before]
    (one, other) = rows(
        context,
        "SELECT c.mean_overall = m.mean_overall AS is_fresh FROM mart.compared_movies c "
        "JOIN mart.movies m USING (imdb_id) ORDER BY imdb_id",
    )
    assert one["is_fresh"]
    assert other["is_fresh"]

    jobs.analyse_backlog("r2", context)  # the other movie
    assert calibration(context, B)["run_id"] == "r2"
    assert is_cut(context, B)
    tables = ("core.reviews", "core.review_analyses", "core.aspect_scores", "core.calibrations")
    after = contents(context.warehouse, tables, with_version=True)
    assert jobs.plan_backlog(context) == ([], [])
    jobs.analyse_backlog("r3", context)
    assert contents(context.warehouse, tables, with_version=True) == after
    a_week_later(context)
    jobs.analyse_backlog("r4", context)
    assert calibration(context)["changed_texts"] == 0
    tables = tables[:3]
    assert contents(context.warehouse, tables, with_version=True) == {t: after[t] for t in tables}
    assert jobs.review_backlog("r4", [], context).lines == []


def test_a_movie_that_grows_twofold_does_not_wait_for_a_week(context, use):
    use(Toy())
    store(context, A, 60)
    jobs.analyse(A, context)
    store(context, A, 59)
    jobs.analyse(A, context)
    assert calibration(context)["cuts_from"] == "fixed"
    store(context, A, 1)
    jobs.analyse(A, context)
    assert (calibration(context)["cuts_from"], calibration(context)["texts"]) == ("movie", 120)
    assert is_cut(context)


def test_new_reviews_are_cut_as_the_others(context, use):
    use(Toy())
    store(context, A, 120)
    jobs.analyse(A, context)
    cuts = calibration(context)["cuts"]
    assert tuple(cuts) != FIXED_CUTS
    kinder(context)
    store(context, A, 0, unrated=40)
    jobs.analyse(A, context)
    assert calibration(context)["cuts"] == cuts
    assert len(shown(context)) == 160
    assert is_cut(context)


def test_scores_without_a_valence_stay(context, use):
    """Scores of before the upgrade, and a text that is in no language of the lexicon's."""
    use(Toy())
    store(context, A, 120)
    jobs.analyse(A, context)
    rows(context, "UPDATE core.review_analyses SET valence = NULL, overall = -2 WHERE review_id = "
                  "(SELECT min(review_id) FROM core.reviews)")  # fmt: skip
    rows(context, "UPDATE core.review_analyses SET valence = NULL, overall = NULL, "
                  "status = 'unsupported_language' WHERE review_id = "
                  "(SELECT max(review_id) FROM core.reviews)")  # fmt: skip
    kinder(context)
    a_week_later(context)
    jobs.analyse_backlog("r", context)
    first, *_, last = shown(context)
    assert (first["overall"], last["overall"]) == (-2, None)
    assert calibration(context)["rated_reviews"] == 118


@pytest.mark.rows_by_hand
def test_many_reviews_come_as_few_counts(context, use):
    use(Toy())
    store(context, A, 5)
    jobs.analyse(A, context)
    rows(
        context,
        "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
        "content_hash, first_seen_at, rating_1_10) SELECT source, 'more' || n, imdb_id, title, "
        "body, false, n, now(), 7 FROM (SELECT * FROM core.reviews LIMIT 1) r, "
        "generate_series(1, 2000) n",
    )
    rows(
        context,
        "INSERT INTO core.review_analyses (source, review_id, content_hash, analyser_id, imdb_id, "
        "status, overall, valence) SELECT source, 'more' || n, n, analyser_id, imdb_id, 'scored', "
        "0, n / 16384.0 FROM (SELECT * FROM core.review_analyses LIMIT 1) a, "
        "generate_series(1, 2000) n",
    )
    with context.warehouse.connect() as connection:
        counts = calibrate._rated(connection, calibration(context)["analyser_id"], A)
    assert sum(counts.values()) == 2005
    assert len(counts) < 2000 / 16 + 10


# ------------------------------------------------------------------ whole or not at all


def test_a_crash_leaves_the_wholes_as_they_were(context, use, monkeypatch):
    use(Toy())
    store(context, A, 120)
    jobs.analyse(A, context)
    before, stored = shown(context), calibration(context)
    kinder(context)
    a_week_later(context)
    with monkeypatch.context() as patched:
        patched.setattr(calibrate.scores.store_cuts, "one", lambda *where, **values: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            jobs.analyse_backlog("r1", context)
    assert [row["overall"] for row in shown(context)] == [row["overall"] for row in before]
    assert calibration(context)["cuts"] == stored["cuts"]
    jobs.analyse_backlog("r2", context)
    assert calibration(context)["cuts"] != stored["cuts"]
    assert is_cut(context)


def wait_for_lock(connection, pid, thread):
    waits = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
    while not connection.execute(waits, (pid,)).fetchall():
        assert thread.is_alive()


def new_reviews_a_week_later(context):
    """Score and calibrate a movie, then change its grades and add reviews; return the analyser."""
    store(context, A, 120)
    jobs.analyse(A, context)
    kinder(context)
    store(context, A, 0, unrated=10)
    a_week_later(context)
    return calibration(context)["analyser_id"]


def unscored(connection, analyser_id):
    asked = {"imdb_ids": [A], "analyser_id": analyser_id}
    return [score._text(row) for row in calibrate.scores.unscored_texts(connection, **asked)]


def test_what_is_stored_meanwhile_is_cut_anew_too(context, use):
    """Another worker stores a score by the old cuts; the new cuts wait for it."""
    analyser, analyser_id = use(Toy()), new_reviews_a_week_later(context)
    connect, session = context.warehouse.connect, context.warehouse.session
    with connect() as storing, session() as cutting, connect() as watching:
        (due,) = calibrate.scores.due_calibrations(cutting, imdb_ids=[A], analyser_id=analyser_id)
        answers = list(analyser.analyse(unscored(storing, analyser_id)))
        score._store(storing, answers, analyser_id)
        thread = threading.Thread(
            target=calibrate.cut_all_anew, args=(cutting, [due], analyser_id, "r")
        )
        thread.start()
        wait_for_lock(watching, cutting.info.backend_pid, thread)
        storing.commit()
        thread.join(30)
    assert len(shown(context)) == 130
    assert is_cut(context)


def test_what_is_stored_after_waits_for_the_new_cuts(context, use):
    analyser, analyser_id = use(Toy()), new_reviews_a_week_later(context)
    connect, session = context.warehouse.connect, context.warehouse.session
    with connect() as cutting, connect() as watching, session() as storing:
        answers = list(analyser.analyse(unscored(storing, analyser_id)))
        (due,) = calibrate.scores.due_calibrations(cutting, imdb_ids=[A], analyser_id=analyser_id)
        calibrate.cut_all_anew(cutting, [due], analyser_id, "r")  # not committed yet
        thread = threading.Thread(target=score._store, args=(storing, answers, analyser_id))
        thread.start()
        wait_for_lock(watching, storing.info.backend_pid, thread)
        cutting.commit()
        thread.join(30)
    assert len(shown(context)) == 130
    assert is_cut(context)


def test_of_two_workers_the_second_changes_nothing(context, use):
    use(Toy())
    store(context, A, 120)
    jobs.analyse(A, context)
    kinder(context)
    a_week_later(context)
    analyser_id = calibration(context)["analyser_id"]
    with context.warehouse.session() as connection:
        (due,) = calibrate.scores.due_calibrations(
            connection, imdb_ids=[A], analyser_id=analyser_id
        )
    together = threading.Barrier(2, timeout=30)

    def work(run_id):
        with context.warehouse.session() as connection:
            together.wait()
            calibrate.cut_all_anew(connection, [due], analyser_id, run_id)

    threads = [threading.Thread(target=work, args=(run_id,)) for run_id in ("r1", "r2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert calibration(context)["changed_texts"] > 20
    assert is_cut(context)


# ---------------------------------------------------------------------------- who acts in it


@pytest.fixture
def names(monkeypatch):
    """Let names be learned that say how many texts they come from; return these numbers."""
    told = []

    def learn(texts):
        told.append(sum(1 for _ in texts))
        return (f"Name of {told[-1]}",)

    monkeypatch.setattr(lexicon, "learn_names", learn)
    return told


def test_names_are_learned_once_a_week_and_given_with_the_cast(context, use, names):
    analyser = use(Toy())
    store(context, A, 10)
    jobs.analyse(A, context)
    assert set(analyser.cast.values()) == {("Ada Holm", "Name of 10")}
    analyser.cast.clear()
    store(context, A, 5)
    jobs.analyse(A, context)
    assert set(analyser.cast.values()) == {("Ada Holm", "Name of 10")}
    assert names == [10]
    a_week_later(context)
    jobs.analyse_backlog("r", context)
    assert names == [10, 15]
    analyser.cast.clear()
    store(context, A, 1)
    jobs.analyse(A, context)
    assert set(analyser.cast.values()) == {("Ada Holm", "Name of 15")}


def test_names_of_an_interrupted_run_are_learned_again(context, use, names):
    use(Toy(fails_at=3))
    store(context, A, 10)
    with pytest.raises(KeyboardInterrupt):
        jobs.analyse(A, context)
    assert calibration(context)["names"] == ["Name of 10"]
    assert calibration(context)["calibrated_at"] is None
    use(Toy())
    assert jobs.analyse(A, context).scored == 10
    assert names == [10, 10]
    assert calibration(context)["calibrated_at"] is not None


def test_a_movie_without_texts_teaches_nothing(context, use, names):
    use(Toy())
    store(context, A, 0)
    jobs.analyse(A, context)
    assert names == []
    assert rows(context, "SELECT 1 FROM core.calibrations") == []


# --------------------------------------------------------------------- one lexicon at a time


def whole(context):
    """Return the movie's analyser with all wholes and aspects, as one statement sees them."""
    return rows(
        context,
        """WITH r AS (SELECT * FROM mart.reviews WHERE imdb_id = %s),
                a AS (SELECT * FROM mart.aspect_scores WHERE imdb_id = %s)
           SELECT ARRAY(SELECT DISTINCT analyser_id FROM r UNION SELECT analyser_id FROM a) AS who,
                  ARRAY(SELECT overall FROM r ORDER BY review_id) AS wholes,
                  ARRAY(SELECT score FROM a ORDER BY review_id) AS aspects""",
        A, A,
    )[0]  # fmt: skip


@contextmanager
def watched(context):
    """Read the marts all the time, in a thread; return the states that were seen, as they come."""
    seen, is_over = [], threading.Event()

    def read():
        while not is_over.is_set():
            if (now := whole(context)) not in seen:
                seen.append(now)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        wait_until(lambda: seen)
        yield seen
    finally:
        is_over.set()
        reader.join(60)


def test_a_reader_sees_all_wholes_cut_as_before_or_all_as_now(context, use):
    use(Toy())
    store(context, A, 400)
    jobs.analyse(A, context)
    old = whole(context)
    kinder(context)
    a_week_later(context)
    with watched(context) as seen:
        jobs.analyse_backlog("r", context)
        new = whole(context)
    assert old != new
    assert [state for state in seen if state not in (old, new)] == []


def test_a_reader_sees_one_lexicon_or_the_other_and_never_both(context, use):
    use(Toy("1"))
    store(context, A, 400)
    jobs.analyse(A, context)
    old = whole(context)
    use(Toy("2", sign=-1))
    with watched(context) as seen:
        planned = jobs.plan_backlog(context).to_score
        assert [movie.untouched for movie in planned] == [400]
        assert jobs.analyse_backlog("r", context, [A]).scored == 400
        new = whole(context)
    assert old != new
    assert [state for state in seen if state not in (old, new)] == []
    assert old in seen
    assert set(new["aspects"]) == {-1}
    kept = rows(context, "SELECT DISTINCT analyser_id FROM core.review_analyses UNION ALL "
                         "SELECT DISTINCT analyser_id FROM core.aspect_scores UNION ALL "
                         "SELECT analyser_id FROM core.calibrations")  # fmt: skip
    assert [row["analyser_id"] for row in kept] == new["who"] * 3
    (told,) = jobs.summarise_backlog("r", planned, context).lines
    assert told == f"{A} The Long Queue: 400 of 400 reviews finished"
    (figures,) = rows(context, "SELECT scored_reviews FROM mart.compared_movies")
    assert figures["scored_reviews"] == 400


def test_nothing_is_deleted_before_the_switch(context, use):
    """The new lexicon was ended after a third; the old one is shown, and cut as it was."""
    use(Toy("1"))
    store(context, A, 120)
    jobs.analyse(A, context)
    old = whole(context)
    use(Toy("2", sign=-1, fails_at=40))
    with pytest.raises(KeyboardInterrupt):
        jobs.analyse_backlog("r1", context)
    assert whole(context) == old
    jobs.plan_backlog(context)
    assert whole(context) == old
    use(Toy("2", sign=-1))
    jobs.analyse_backlog("r2", context)
    assert whole(context) != old
    assert len(rows(context, "SELECT 1 FROM core.review_analyses")) == 120


def differing(one, other):
    return sum(a != b for a, b in zip(one["wholes"], other["wholes"], strict=True))


def test_another_worker_does_not_show_wholes_that_are_not_cut(context, use, monkeypatch):
    """It plans while 97 in 100 texts are stored."""
    use(Toy("1"))
    store(context, A, 300)
    jobs.analyse(A, context)
    old, meanwhile = whole(context), []
    toy = Toy("2")
    analyse = toy.analyse

    def analyse_and_plan(texts):
        for number, analysis in enumerate(analyse(texts)):
            if number == 295:
                jobs.plan_backlog(context)
                (stored,) = rows(
                    context, "SELECT count(*) FROM core.review_analyses GROUP BY analyser_id "
                             "ORDER BY analyser_id DESC LIMIT 1")  # fmt: skip
                meanwhile.append((whole(context), stored["count"]))
            yield analysis

    toy.analyse = analyse_and_plan
    use(toy)
    monkeypatch.setattr(score, "STEP", 5)
    jobs.analyse_backlog("r", context)
    ((state, stored),) = meanwhile
    assert (state, stored) == (old, 295)
    assert whole(context)["who"] != old["who"]
    assert is_cut(context)


def test_a_run_that_ends_before_the_cuts_shows_nothing_of_it(context, use, monkeypatch):
    use(Toy("1"))
    store(context, A, 120)
    jobs.analyse(A, context)
    old = whole(context)
    use(Toy("2", sign=-1))

    def end(*values):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(score, "cut_all_anew", end)
        with pytest.raises(KeyboardInterrupt):
            jobs.analyse_backlog("r1", context)
    assert whole(context) == old
    planned = jobs.plan_backlog(context).to_score
    assert [(movie.imdb_id, movie.texts) for movie in planned] == [(A, 0)]
    assert whole(context) == old
    jobs.analyse_backlog("r2", context)
    assert is_cut(context)
    assert whole(context)["who"] != old["who"]
    told = jobs.review_backlog("r2", planned, context)
    assert (told.changed_rows, len(told.lines)) == (120, 1)
    assert jobs.plan_backlog(context) == ([], [])


def test_wholes_that_were_shown_before_their_first_cuts_count_as_changed(context, use, monkeypatch):
    use(Toy("1"))
    store(context, A, 120)
    with monkeypatch.context() as patched:
        patched.setattr(score, "cut_all_anew", lambda *values: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            jobs.analyse(A, context)
    before = whole(context)
    planned = jobs.plan_backlog(context).to_score
    jobs.analyse_backlog("r", context)
    changed = differing(before, whole(context))
    assert changed > 20
    assert jobs.review_backlog("r", planned, context).changed_rows == changed


def test_cuts_of_a_lexicon_that_is_not_shown_count_for_nothing(context, use):
    use(Toy())
    store(context, A, 120)
    jobs.analyse(A, context)
    show(context, add_scores(context, "llm", "v1"))
    kinder(context)
    a_week_later(context)
    planned = jobs.plan_backlog(context).to_score
    jobs.analyse_backlog("r", context)
    assert jobs.review_backlog("r", planned, context).changed_rows == 0


def test_texts_that_judge_nothing_hold_no_lexicon_back(context, use, monkeypatch):
    """Nor if the run that read them ended before the cuts."""

    def mute(version):
        toy = Toy(version)
        analyse = toy.analyse
        toy.analyse = lambda texts: (
            one.model_copy(update={"overall": 0, "valence": None}) for one in analyse(texts)
        )
        return use(toy)

    mute("1")
    store(context, A, 20)
    jobs.analyse(A, context)
    old = whole(context)
    mute("2")
    with monkeypatch.context() as patched:
        patched.setattr(score, "cut_all_anew", lambda *values: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            jobs.analyse_backlog("r", context)
    assert whole(context)["who"] != old["who"]


def test_two_lexicons_of_one_warehouse_do_not_alternate(context, use):
    """As while workers are upgraded one by one; the older one takes over what the newer leaves."""
    use(Toy("1"))
    store(context, A, 120)
    jobs.analyse(A, context)
    (old,) = whole(context)["who"]
    seen = []
    for version in ("2", "1", "2", "1", "1"):
        use(Toy(version))
        jobs.plan_backlog(context)
        jobs.analyse_backlog(version, context)
        seen.append(whole(context))
    assert [state == seen[0] for state in seen] == [True] * 5
    assert seen[0]["who"] != [old]
    assert is_cut_by(context, seen[0]["who"][0])
    store(context, A, 10)  # read by the older one alone: someone went back to it
    jobs.plan_backlog(context)
    jobs.analyse_backlog("back", context)
    assert whole(context)["who"] == [old]
    assert is_cut(context)
    assert len(shown(context)) == 130


def test_scores_of_removed_reviews_stay(context, use):
    use(Toy("1"))
    store(context, A, 120)
    jobs.analyse(A, context)
    gone = shown(context)[0]["review_id"]
    rows(context, "UPDATE core.reviews SET removed_at = now() WHERE review_id = %s", gone)
    use(Toy("2"))
    for run_id in ("r1", "r2"):
        jobs.analyse_backlog(run_id, context)
        jobs.plan_backlog(context)
        old, new = scored_by(context)
        kept = rows(
            context,
            "SELECT review_id FROM core.review_analyses WHERE analyser_id = %s AND overall "
            "IS NOT NULL UNION ALL SELECT review_id FROM core.aspect_scores WHERE analyser_id = %s",
            old, old,
        )  # fmt: skip
        assert [row["review_id"] for row in kept] == [gone] * 2
        assert (whole(context)["who"], len(shown(context))) == ([new], 119)
    rows(context, "UPDATE core.reviews SET removed_at = NULL")
    jobs.analyse_backlog("r3", context)
    assert scored_by(context) == [new]


def test_scores_of_an_upgraded_warehouse_stay_until_the_new_lexicon_has_finished(context, use):
    use(Toy("1"))
    store(context, A, 120)
    jobs.analyse(A, context)
    rows(context, "UPDATE core.review_analyses SET valence = NULL, overall = -2")
    rows(context, "DELETE FROM core.calibrations")
    old = whole(context)
    use(Toy("2", fails_at=60))
    with pytest.raises(KeyboardInterrupt):
        jobs.analyse(A, context)
    assert whole(context) == old
    use(Toy("2"))
    jobs.analyse(A, context)
    assert is_cut(context)
    assert set(whole(context)["wholes"]) == {-2, -1, 0, 1, 2}


def add_scores(context, kind, version, imdb_id=A):
    """Store scores of another analyser for all reviews of a movie; return its number."""
    (made,) = rows(
        context,
        "INSERT INTO core.analysers (kind, model, prompt_version) VALUES (%s, %s, %s) "
        "RETURNING analyser_id",
        kind, "toy" if kind == "llm" else None, version,
    )  # fmt: skip
    rows(
        context,
        "INSERT INTO core.review_analyses (source, review_id, content_hash, analyser_id, imdb_id, "
        "status, overall) SELECT source, review_id, content_hash, %s, imdb_id, 'scored', 1 "
        "FROM core.reviews WHERE imdb_id = %s",
        made["analyser_id"], imdb_id,
    )  # fmt: skip
    return made["analyser_id"]


def show(context, analyser_id, imdb_id=A):
    rows(
        context,
        "UPDATE core.movies SET active_analyser_id = %s WHERE imdb_id = %s",
        analyser_id, imdb_id,
    )  # fmt: skip


def scored_by(context, imdb_id=A):
    found = rows(
        context,
        "SELECT DISTINCT analyser_id FROM core.review_analyses WHERE imdb_id = %s ORDER BY 1",
        imdb_id,
    )
    return [row["analyser_id"] for row in found]


def test_scores_of_a_model_are_never_deleted(context, use):
    use(Toy())
    for imdb_id in (A, B):
        store(context, imdb_id, 20)
    model, old = add_scores(context, "llm", "v1"), add_scores(context, "lexicon", "0")
    other = add_scores(context, "llm", "v0")
    show(context, model)
    use(Toy("2"))
    jobs.plan_backlog(context)
    assert scored_by(context) == [model, old, other]  # nobody else has read what the old one has
    show(context, old)
    assert jobs.plan_backlog(context).to_score
    jobs.analyse_backlog("r", context)
    assert {model, other} < set(scored_by(context))
    assert old not in scored_by(context)


def test_a_lexicon_that_cannot_take_over_leaves_the_old_one(context, use):
    """It scores too few of the texts that the old one scored."""
    use(Toy())
    store(context, A, 20)
    old = add_scores(context, "lexicon", "0")
    show(context, old)
    analyser = use(Toy())
    analyse = analyser.analyse
    analyser.analyse = lambda texts: (
        Analysis(**one.model_dump(exclude={"status", "overall", "aspects", "valence"}),
                 status="unsupported_language") for one in analyse(texts)
    )  # fmt: skip
    jobs.analyse_backlog("r", context)
    jobs.plan_backlog(context)
    assert old in scored_by(context)
    assert len(scored_by(context)) == 2


# ------------------------------------------------------------------- erased, kept, rebuilt


def test_a_backup_and_a_restore_keep_it(context, use, databases, s3):
    use(Toy())
    store(context, A, 120)
    jobs.analyse(A, context, run_id="r")
    values = {
        "backup_url": f"s3://filmpulse/{uuid4()}", "backup_endpoint_url": s3.url,
        "backup_key": s3.key, "backup_secret": s3.secret,
    }  # fmt: skip
    settings = Settings.model_validate(context.settings.model_dump() | values)
    saving = jobs.Context.from_settings(settings)
    jobs.back_up(saving, jobs.AirflowObjects, None)
    url = databases.create()
    try:
        blank = jobs.Context(settings, Warehouse(url), saving.open_lake)
        jobs.restore(blank)
        tables = ("core.calibrations", "core.review_analyses")
        assert contents(blank.warehouse, tables) == contents(context.warehouse, tables)
    finally:
        databases.drop(url)


def test_erasing_a_movie_forgets_what_was_learned_of_it(context, use):
    use(Toy())
    for imdb_id in (A, B):
        store(context, imdb_id, 10)
        jobs.analyse(imdb_id, context)
    jobs.erase("movie", A, context)
    assert [row["imdb_id"] for row in rows(context, "SELECT imdb_id FROM core.calibrations")] == [B]


def test_a_review_that_is_erased_teaches_nothing_any_more(context, use):
    use(Toy())
    store(context, A, 101)
    jobs.analyse(A, context)
    (gone, *_) = shown(context)
    jobs.erase("review", gone["review_id"], context)
    a_week_later(context)
    jobs.analyse_backlog("r", context)
    assert (calibration(context)["rated_reviews"], calibration(context)["texts"]) == (100, 100)
    assert is_cut(context)


def test_a_rebuild_leaves_it_or_has_it_learned_anew(context, use):
    use(Toy())
    at = datetime.now(UTC) - timedelta(days=1)
    writer = context.lake.begin("imdb", A, at)
    writer.append(
        [
            Review(review_id=f"rw{n}", imdb_id=A, title="Seen", body=f"{{{n / 256}}}",
                   rating_1_10=GRADES[n % 5]) for n in range(100)
        ]
    )  # fmt: skip
    uri = writer.close(
        Manifest(
            run_id="r", source="imdb", imdb_id=A, mode="full", started_at=at, finished_at=at,
            status="complete", distinct_ids=100, parts=tuple(writer.parts),
            movie=Movie(imdb_id=A, title="The Long Queue"),
        )
    )  # fmt: skip
    jobs.load(uri, context)
    jobs.analyse(A, context)
    before, wholes = calibration(context), shown(context)
    jobs.rebuild(context)
    assert calibration(context) == before
    for table in ("core.reviews", "ops.collections", "ops.loads", "core.movies"):
        rows(context, f"DELETE FROM {table}")  # noqa: S608
    assert rows(context, "SELECT 1 FROM core.calibrations") == []
    jobs.rebuild(context)
    jobs.analyse(A, context)
    assert shown(context) == wholes
    again = calibration(context)
    assert {**again, "calibrated_at": None} == {**before, "calibrated_at": None}
