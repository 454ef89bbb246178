"""Whatever the text: one analysis out, scores in range, and quotes that the text really says."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filmpulse.analysis.lexicon import LexiconAnalyser
from filmpulse.analysis.lexicon.analyser import BATCH
from filmpulse.analysis.quotes import MAX_QUOTE_CHARACTERS
from filmpulse.items import Analysis, ReviewText

ANALYSER = LexiconAnalyser()
GOLD = Path(__file__).parents[2] / "fixtures" / "gold"

FRAGMENTS = [
    "Very good",
    "Absolutely",
    "The acting",
    "the plot",
    "music and sets",
    "is superb",
    "isn't bad",
    "is DREADFUL",
    "but",
    "although",
    "while",
    ", ",
    ". ",
    "; ",
    "!!! ",
    "? ",
    "\n\n",
    "…",
    "—",
    "10/10",
    "😍",
    "❤️‍🔥",
    "e\u0301clair\u0301",
    "\u202eright to left\u202c",
    "שלום",
    "''",
    "_",
    "\u0301",
]
TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(" ".join),
    st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join),
)


def review(text: str, language: str | None = "en", review_id: str = "rw1") -> ReviewText:
    return ReviewText(
        source="imdb",
        review_id=review_id,
        imdb_id="tt9900001",
        content_hash="0" * 64,
        language=language,
        text=text,
    )


def analyse(text: str, language: str | None = "en") -> Analysis:
    (analysis,) = ANALYSER.analyse([review(text, language)])
    return analysis


@given(TEXTS, st.sampled_from(["en", "fr", None]))
@example("'", "en")
@example("but", "en")
@example("The acting is superb\u0301!", "en")
def test_any_text_gives_one_sound_analysis(text: str, language: str | None):
    analysis = analyse(text, language)
    if analysis.status == "unsupported_language":
        assert analysis.overall is None
        assert analysis.aspects == ()
        return
    assert analysis.status == "scored"
    assert analysis.overall in {-2, -1, 0, 1, 2}
    names = [aspect.aspect for aspect in analysis.aspects]
    assert len(names) == len(set(names))
    for aspect in analysis.aspects:
        assert aspect.score in {-2, -1, 0, 1, 2}
        assert (aspect.quote is None) == (aspect.quote_start is None)
        if aspect.quote is not None:
            assert aspect.quote_start is not None
            end = aspect.quote_start + len(aspect.quote)
            assert text[aspect.quote_start : end] == aspect.quote
            assert len(aspect.quote) <= MAX_QUOTE_CHARACTERS
            assert len(aspect.quote.split()) >= 2


@given(TEXTS)
def test_the_same_text_gives_the_same_analysis(text: str):
    assert analyse(text) == analyse(text)


@given(st.lists(TEXTS, max_size=5))
def test_no_text_is_dropped(texts: list[str]):
    reviews = [review(text, review_id=f"rw{n}") for n, text in enumerate(texts)]
    assert [a.review_id for a in ANALYSER.analyse(reviews)] == [r.review_id for r in reviews]


def test_no_more_than_a_batch_is_asked_for_before_answers_are_given_out():
    asked = []

    def texts():
        for number in range(3 * BATCH):
            asked.append(number)
            yield review("Good.", review_id=str(number))

    analyses = ANALYSER.analyse(texts())
    assert next(analyses).review_id == "0"
    assert len(asked) == BATCH


@given(st.lists(TEXTS, max_size=6), st.integers(0, 5))
def test_a_text_is_read_alike_alone_and_among_others(texts: list[str], alone: int):
    found = list(ANALYSER.analyse(review(text) for text in texts))
    if alone < len(texts):
        assert found[alone] == analyse(texts[alone])


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_the_gold_sets_are_read_alike_alone_and_in_any_order(language: str):
    lines = (GOLD / f"{language}.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [
        review(f"{line['title']}\n\n{line['text']}", language, str(line["id"]))
        for line in map(json.loads, lines)
    ]
    together = {found.review_id: found for found in ANALYSER.analyse(texts)}
    backwards = {found.review_id: found for found in ANALYSER.analyse(reversed(texts))}
    alone = {text.review_id: next(iter(ANALYSER.analyse([text]))) for text in texts}
    assert together == backwards == alone


@pytest.mark.parametrize(
    "unit",
    [
        "The acting is great and the plot is dull. ",
        "great ",
        "great plot,",
        "but good plot ",
        "but ",
        "good but ",
        "dull; ",
        "which acting good, with plot bad, ",
        "although good, ",
        "😍",
        "* ",
        "a",
        "!",
        " -",
        "e\u0301",
        "a'",
        "1/10 ",
        "(good ",
    ],
)
def test_time_grows_no_faster_than_the_text(unit: str):
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        return min(timed(lambda: analyse(text)) for _ in range(3))

    # Twice as long is about twice as slow; four times would be quadratic. The base keeps what
    # is too quick to be measured from counting.
    base = 0.05
    assert seconds(400_000) < 8 * (seconds(100_000) + base)


def timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def test_threads_share_one_analyser():
    text = "The acting is superb. The music is dreadful, but the plot never gets boring. 7/10"
    alone = analyse(text)
    results: list[Analysis] = []

    def work():
        results.extend(ANALYSER.analyse(review(text) for _ in range(20)))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [alone] * 80
