"""Under which analyser a movie is shown, whoever scored it last (docs/adr/0023)."""

import threading
from itertools import count

import psycopg
import pytest

from filmpulse.warehouse import Warehouse, sql

LIVING = 20  # 19 of them are 95 in 100
ENOUGH, TOO_FEW = 19, 18
_ids = count(99000001)


@pytest.fixture(scope="module")
def connection(databases, _warehouse_template):
    """One database for all: each test makes a movie of its own."""
    url = databases.create(_warehouse_template)
    with Warehouse(url).session() as connection:
        connection.execute(
            """INSERT INTO core.analysers (kind, model, prompt_version)
               VALUES ('lexicon', NULL, '1'), ('lexicon', NULL, '2'),
                      ('llm', 'toy', '1'), ('llm', 'toy', '2')"""
        )
        yield connection
    databases.drop(url)


@pytest.fixture
def analysers(connection):
    rows = connection.execute("SELECT * FROM core.analysers").fetchall()
    return {f"{row['kind']} {row['prompt_version']}": row["analyser_id"] for row in rows}


@pytest.fixture
def movie(connection):
    """A movie with 20 living reviews, and a removed one that counts for nothing."""
    imdb_id = f"tt{next(_ids)}"
    connection.execute(
        "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'M', now())", (imdb_id,)
    )
    connection.execute(
        """INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler,
                                     content_hash, first_seen_at, removed_at)
           SELECT 'imdb', %(imdb_id)s || '-' || n, %(imdb_id)s, 'T', 'B', false, 'now', now(),
                  CASE WHEN n > %(living)s THEN now() END
           FROM generate_series(1, %(living)s + 1) n""",
        {"imdb_id": imdb_id, "living": LIVING},
    )
    return imdb_id


def score(connection, imdb_id, analyser_id, final, words="now", scored=None):
    """Give the first of the reviews a final status, of whatever kind, and the others none.

    All but two of these have a score; or the numbers in `scored`, and the others are invalid.
    """
    if scored is None:
        scored = range(3, final + 1)
    connection.execute(
        """INSERT INTO core.review_analyses (source, review_id, content_hash, analyser_id, imdb_id,
                                             status, overall)
           SELECT 'imdb', %(imdb_id)s || '-' || n, %(words)s, %(analyser_id)s, %(imdb_id)s,
                  CASE WHEN n = ANY(%(scored)s) THEN 'scored' WHEN n = 1 THEN 'refused'
                       WHEN n = 2 THEN 'unsupported_language' WHEN n <= %(final)s THEN 'invalid'
                       WHEN n %% 2 = 0 THEN 'failed' ELSE 'over_budget' END,
                  CASE WHEN n = ANY(%(scored)s) THEN 1 END
           FROM generate_series(1, %(living)s + 1) n""",
        {"imdb_id": imdb_id, "analyser_id": analyser_id, "final": final, "living": LIVING,
         "words": words, "scored": list(scored)},
    )  # fmt: skip


def show(connection, imdb_id, analyser_id):
    connection.execute(
        "UPDATE core.movies SET active_analyser_id = %s WHERE imdb_id = %s", (analyser_id, imdb_id)
    )


def switch(connection, imdb_id, analyser_id):
    """Try to switch; return what is shown then."""
    connection.execute(sql("switch_analyser"), {"imdb_ids": [imdb_id], "analyser_id": analyser_id})
    row = connection.execute(
        "SELECT active_analyser_id AS shown FROM core.movies WHERE imdb_id = %s", (imdb_id,)
    ).fetchone()
    return row["shown"]


@pytest.mark.parametrize(
    ("shown", "its_final", "candidate", "final", "switches"),
    [
        # the first: the keyless one at once, a model when it is nearly done
        (None, 0, "lexicon 1", 0, True),
        (None, 0, "lexicon 1", LIVING, True),
        (None, 0, "llm 1", TOO_FEW, False),
        (None, 0, "llm 1", ENOUGH, True),
        # a newer keyless one
        ("lexicon 1", LIVING, "lexicon 2", TOO_FEW, False),
        ("lexicon 1", LIVING, "lexicon 2", ENOUGH, True),
        ("lexicon 1", 0, "lexicon 2", TOO_FEW, False),
        # an older keyless one: never while the newer one keeps up
        ("lexicon 2", LIVING, "lexicon 1", LIVING, False),
        ("lexicon 2", ENOUGH, "lexicon 1", LIVING, False),
        ("lexicon 2", TOO_FEW, "lexicon 1", TOO_FEW, False),
        ("lexicon 2", TOO_FEW, "lexicon 1", ENOUGH, True),
        # a model in place of the keyless one, and of another model
        ("lexicon 1", LIVING, "llm 1", TOO_FEW, False),
        ("lexicon 1", LIVING, "llm 1", ENOUGH, True),
        ("llm 1", LIVING, "llm 2", TOO_FEW, False),
        ("llm 1", LIVING, "llm 2", ENOUGH, True),
        ("llm 1", 0, "llm 2", TOO_FEW, False),
        # the keyless one in place of a model: never while the model is fed
        ("llm 1", LIVING, "lexicon 1", LIVING, False),
        ("llm 1", ENOUGH, "lexicon 1", LIVING, False),
        ("llm 1", TOO_FEW, "lexicon 1", TOO_FEW, False),
        ("llm 1", TOO_FEW, "lexicon 1", ENOUGH, True),
        ("llm 1", 0, "lexicon 1", LIVING, True),
    ],
)
def test_who_takes_over(connection, analysers, movie, shown, its_final, candidate, final, switches):
    if shown:
        score(connection, movie, analysers[shown], its_final)
        show(connection, movie, analysers[shown])
    score(connection, movie, analysers[candidate], final)
    expected = analysers.get(candidate if switches else shown)
    for _ in range(2):  # a second time changes nothing
        assert switch(connection, movie, analysers[candidate]) == expected


@pytest.mark.parametrize(
    ("shown", "candidate", "switches"),
    [
        (None, "lexicon 1", True),
        (None, "llm 1", True),
        ("lexicon 1", "lexicon 2", True),
        ("lexicon 2", "lexicon 1", False),
        ("lexicon 1", "llm 1", True),
        ("llm 1", "llm 2", True),
        ("llm 1", "lexicon 1", False),
    ],
)
def test_a_movie_without_living_reviews(connection, analysers, movie, shown, candidate, switches):
    connection.execute("UPDATE core.reviews SET removed_at = now() WHERE imdb_id = %s", (movie,))
    if shown:
        show(connection, movie, analysers[shown])
    expected = analysers[candidate if switches else shown]
    assert switch(connection, movie, analysers[candidate]) == expected


ALL = range(1, LIVING + 1)
FOUR_FIFTHS, FEWER = range(1, 17), range(1, 16)


@pytest.mark.parametrize(
    ("shown", "its_scores", "candidate", "scores", "switches"),
    [
        # a model that read all, and has a score for next to none: the figures stay
        ("lexicon 1", ALL, "llm 1", [], False),
        ("lexicon 1", ALL, "llm 1", FEWER, False),
        ("lexicon 1", ALL, "llm 1", FOUR_FIFTHS, True),
        # as many scores, but of other reviews
        ("lexicon 1", range(1, 11), "llm 1", range(11, 21), False),
        ("lexicon 1", range(1, 11), "llm 1", range(3, 21), True),
        # the figures of a model, and those of an older lexicon, are kept likewise
        ("llm 1", ALL, "llm 2", [], False),
        ("llm 1", ALL, "llm 2", FEWER, False),
        ("llm 1", ALL, "llm 2", FOUR_FIFTHS, True),
        ("lexicon 1", ALL, "lexicon 2", FEWER, False),
        ("lexicon 1", ALL, "lexicon 2", FOUR_FIFTHS, True),
        # nothing is scored: nothing is lost
        ("lexicon 1", [], "llm 1", [], True),
        (None, [], "llm 1", [], True),
    ],
)
def test_no_movie_loses_its_figures(
    connection, analysers, movie, shown, its_scores, candidate, scores, switches
):
    if shown:
        score(connection, movie, analysers[shown], LIVING, scored=its_scores)
        show(connection, movie, analysers[shown])
    score(connection, movie, analysers[candidate], LIVING, scored=scores)
    expected = analysers.get(candidate if switches else shown)
    for _ in range(2):
        assert switch(connection, movie, analysers[candidate]) == expected


@pytest.mark.parametrize("asked", ["llm 1", "lexicon 1"])
@pytest.mark.parametrize(
    ("scores", "others", "back_to"),
    [
        ([], {"lexicon 1": ALL}, "lexicon 1"),
        (FEWER, {"lexicon 1": ALL}, "lexicon 1"),
        (FOUR_FIFTHS, {"lexicon 1": ALL}, None),
        # the most scores, and a model before the lexicon
        ([1], {"lexicon 1": FEWER, "llm 2": ALL}, "llm 2"),
        ([1], {"lexicon 1": ALL, "llm 2": ALL}, "llm 2"),
        ([1], {"lexicon 1": ALL, "llm 2": FEWER}, "lexicon 1"),
        ([], {"lexicon 1": []}, None),
    ],
)
def test_a_movie_that_lost_its_figures_gets_them_back(
    connection, analysers, movie, asked, scores, others, back_to
):
    """An older version showed `llm 1` when it had read all, whatever had become of its answers."""
    score(connection, movie, analysers["llm 1"], LIVING, scored=scores)
    show(connection, movie, analysers["llm 1"])
    for name, scored in others.items():
        score(connection, movie, analysers[name], LIVING, scored=scored)
    expected = analysers[back_to or "llm 1"]
    for _ in range(2):
        assert switch(connection, movie, analysers[asked]) == expected
    assert switch(connection, movie, analysers["llm 1"]) == expected


def calibrate(connection, imdb_id, analyser_id, is_cut=True):
    """Give a movie its names, and its cuts unless these are still to come."""
    connection.execute(
        "INSERT INTO core.calibrations (imdb_id, analyser_id, names) VALUES (%s, %s, '{}') "
        "ON CONFLICT DO NOTHING",
        (imdb_id, analyser_id),
    )
    if is_cut:
        connection.execute(
            "UPDATE core.calibrations SET cuts = '{1,2,3,4}', cuts_from = 'fixed', "
            "rated_reviews = 0, texts = 1, changed_texts = 0, calibrated_at = now() "
            "WHERE (imdb_id, analyser_id) = (%s, %s)",
            (imdb_id, analyser_id),
        )


@pytest.mark.parametrize("has_names", [True, False])
@pytest.mark.parametrize(
    ("shown", "its_final", "switches"),
    [
        (None, 0, True),  # nobody saw other wholes
        ("lexicon 1", LIVING, False),
        ("llm 1", TOO_FEW, False),
    ],
)
def test_wholes_are_cut_before_they_replace_others(
    connection, analysers, movie, shown, its_final, switches, has_names
):
    if shown:
        score(connection, movie, analysers[shown], its_final)
        show(connection, movie, analysers[shown])
    new = analysers["lexicon 2"]
    score(connection, movie, new, LIVING)
    connection.execute(
        "UPDATE core.review_analyses SET valence = overall WHERE (imdb_id, analyser_id) = (%s, %s)",
        (movie, new),
    )
    if has_names:
        calibrate(connection, movie, new, is_cut=False)
    assert switch(connection, movie, new) == (new if switches else analysers[shown])
    calibrate(connection, movie, new)
    assert switch(connection, movie, new) == new


@pytest.mark.parametrize("left", ["words", "cuts", "neither"])
def test_wholes_that_wait_for_cuts_are_not_brought_back(connection, analysers, movie, left):
    """Nor do wholes wait that will never be cut, since nobody has the words any more."""
    lost, new = analysers["llm 1"], analysers["lexicon 2"]
    score(connection, movie, lost, LIVING, scored=[])
    show(connection, movie, lost)
    score(connection, movie, new, LIVING)
    connection.execute(
        "UPDATE core.review_analyses SET valence = overall WHERE (imdb_id, analyser_id) = (%s, %s)",
        (movie, new),
    )
    calibrate(connection, movie, new, is_cut=left == "cuts")
    if left == "neither":
        connection.execute(
            "UPDATE core.reviews SET title = NULL, body = NULL WHERE imdb_id = %s", (movie,)
        )
    assert switch(connection, movie, lost) == (lost if left == "words" else new)


def test_figures_that_are_not_whole_are_not_brought_back(connection, analysers, movie):
    score(connection, movie, analysers["llm 1"], LIVING, scored=[])
    show(connection, movie, analysers["llm 1"])
    score(connection, movie, analysers["llm 2"], TOO_FEW)
    assert switch(connection, movie, analysers["llm 1"]) == analysers["llm 1"]


@pytest.mark.parametrize(
    ("shown", "is_left"),
    [
        ("lexicon 2", False),
        ("llm 1", False),
        ("lexicon 1", True),  # not before the switch
        (None, True),
    ],
)
def test_scores_of_an_older_lexicon_go_once_it_is_not_shown(
    connection, analysers, movie, shown, is_left
):
    for name, analyser_id in analysers.items():
        if name != "llm 2":
            score(connection, movie, analyser_id, LIVING + 1, scored=ALL)
        if name.startswith("lexicon"):
            calibrate(connection, movie, analyser_id)
    if shown:
        show(connection, movie, analysers[shown])
    current = {"analyser_id": analysers["lexicon 2"]}
    found = superseded(connection, movie, analysers["lexicon 2"])
    assert len(found) == (shown not in (None, "lexicon 1"))
    for _ in range(2):
        connection.execute(sql("drop_superseded"), {"imdb_id": movie, **current})
        left = connection.execute(
            "SELECT DISTINCT analyser_id FROM core.review_analyses WHERE imdb_id = %s", (movie,)
        ).fetchall()
        kept = {"lexicon 2", "llm 1"} | ({"lexicon 1"} if is_left else set())
        assert {row["analyser_id"] for row in left} == {analysers[name] for name in kept}
        calibrated = connection.execute(
            "SELECT analyser_id FROM core.calibrations WHERE imdb_id = %s", (movie,)
        ).fetchall()
        kept.discard("llm 1")
        assert {row["analyser_id"] for row in calibrated} == {analysers[name] for name in kept}
    assert superseded(connection, movie, analysers["lexicon 2"]) == []


def superseded(connection, imdb_id, analyser_id):
    return connection.execute(
        sql("superseded_movies"), {"imdb_ids": [imdb_id], "analyser_id": analyser_id}
    ).fetchall()


@pytest.mark.parametrize("shown", ["lexicon 2", "llm 1"])
def test_scores_that_the_newer_lexicon_has_not_stay(connection, analysers, movie, shown):
    """Of a removed review, of words before an edit, and of a text that was tried in vain."""
    old, new = analysers["lexicon 1"], analysers["lexicon 2"]
    for words in ("now", "before an edit"):
        score(connection, movie, old, LIVING + 1, words=words, scored=range(1, LIVING + 2))
    score(connection, movie, new, ENOUGH)
    calibrate(connection, movie, old)
    connection.execute(
        "DELETE FROM core.review_analyses WHERE review_id = %s AND analyser_id = %s",
        (f"{movie}-{LIVING + 1}", new),
    )
    show(connection, movie, analysers[shown])
    assert len(superseded(connection, movie, new)) == 1
    connection.execute(sql("drop_superseded"), {"imdb_id": movie, "analyser_id": new})
    left = connection.execute(
        "SELECT review_id, content_hash AS words FROM core.review_analyses "
        "WHERE (imdb_id, analyser_id) = (%s, %s) AND overall IS NOT NULL",
        (movie, old),
    ).fetchall()
    assert {row["review_id"] for row in left if row["words"] == "now"} == {
        f"{movie}-{LIVING}", f"{movie}-{LIVING + 1}",
    }  # fmt: skip
    assert sum(row["words"] != "now" for row in left) == LIVING + 1
    shows = connection.execute(
        "SELECT count(*) AS reviews, count(overall) FILTER (WHERE analyser_id = %s) AS old "
        "FROM mart.reviews WHERE imdb_id = %s", (old, movie),
    ).fetchone()  # fmt: skip
    assert shows == {"reviews": LIVING, "old": 0}
    assert superseded(connection, movie, new) == []


def waited_for(connection, imdb_id, analyser_id):
    """Return what the marts say while a movie waits for the configured analyser."""
    connection.execute(sql("note_configured"), {"imdb_ids": [imdb_id], "analyser_id": analyser_id})
    return connection.execute(
        "SELECT * FROM mart.awaited_analysers WHERE imdb_id = %s", (imdb_id,)
    ).fetchone()


@pytest.mark.parametrize(
    ("final", "scored", "figures"),
    [
        (TOO_FEW, None, (LIVING, TOO_FEW, LIVING - 2, TOO_FEW - 2, False)),
        (LIVING, FEWER, (LIVING, LIVING, LIVING - 2, 13, True)),
        (2, None, (LIVING, 2, LIVING - 2, 0, False)),
    ],
)
def test_the_marts_say_who_is_waited_for(connection, analysers, movie, final, scored, figures):
    score(connection, movie, analysers["lexicon 1"], LIVING)
    show(connection, movie, analysers["lexicon 1"])
    score(connection, movie, analysers["llm 1"], final, scored=scored)
    row = waited_for(connection, movie, analysers["llm 1"])
    assert figures == (
        row["reviews"], row["finished_reviews"], row["scored_reviews"], row["rescored_reviews"],
        row["has_finished"],
    )  # fmt: skip
    assert "toy" in row["sentence"]
    if row["has_finished"]:
        assert f"{figures[3]} of the {figures[2]}" in row["sentence"]
    else:
        assert f"{figures[1]} of {figures[0]}" in row["sentence"]


@pytest.mark.parametrize(
    ("shown", "configured"),
    [("llm 1", "lexicon 1"), ("llm 1", "llm 1"), ("lexicon 1",) * 2, ("lexicon 2", "lexicon 1")],
)
def test_nobody_is_waited_for(connection, analysers, movie, shown, configured):
    show(connection, movie, analysers[shown])
    assert waited_for(connection, movie, analysers[configured]) is None


def test_scores_of_earlier_words_count_for_nothing(connection, analysers, movie):
    score(connection, movie, analysers["llm 1"], LIVING, words="before an edit")
    assert switch(connection, movie, analysers["llm 1"]) is None


def test_a_model_that_is_shown_stays_so_while_it_catches_up(connection, analysers, movie):
    score(connection, movie, analysers["llm 1"], 0)
    show(connection, movie, analysers["llm 1"])
    assert switch(connection, movie, analysers["llm 1"]) == analysers["llm 1"]


def test_only_the_movie_that_is_asked_about(connection, analysers, movie):
    other = f"tt{next(_ids)}"
    connection.execute(
        "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'M', now())", (other,)
    )
    switch(connection, movie, analysers["lexicon 1"])
    assert switch(connection, other, 0) is None  # nor under an analyser that is none


def test_what_another_worker_showed_meanwhile_is_not_taken_back(connection, analysers, movie):
    """It judged by what was shown before; the next call judges anew."""
    score(connection, movie, analysers["llm 1"], LIVING)
    with (
        psycopg.connect(connection.info.dsn, password=connection.info.password) as other,
        psycopg.connect(connection.info.dsn, password=connection.info.password) as late,
    ):
        other.execute(
            "UPDATE core.movies SET active_analyser_id = %s WHERE imdb_id = %s",
            (analysers["llm 1"], movie),
        )
        pid = late.info.backend_pid
        thread = threading.Thread(
            target=late.execute,
            args=(
                sql("switch_analyser"),
                {"imdb_ids": [movie], "analyser_id": analysers["lexicon 1"]},
            ),
        )
        thread.start()
        waits = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
        while not connection.execute(waits, (pid,)).fetchall():
            assert thread.is_alive()
        other.commit()
        thread.join(30)
        late.commit()
    assert switch(connection, movie, analysers["lexicon 1"]) == analysers["llm 1"]
