"""What an evaluation gives the keyless analyser, and what becomes of its answers."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from filmpulse import jobs
from filmpulse.config import Settings
from filmpulse.errors import BadInput, LlmUnavailable
from filmpulse.items import Analysis
from filmpulse.jobs.upkeep import evaluate as job

PRAISE = "The acting is superb and the music is wonderful. I loved every scene."
BLAME = "The acting is terrible and the music is awful. I hated every scene."


@pytest.fixture
def write(tmp_path):
    def write(*lines, start=b"", end="\n"):
        path = tmp_path / "labels.jsonl"
        text = "".join(json.dumps(line, ensure_ascii=False) + end for line in lines)
        path.write_bytes(start + text.encode())
        return path

    return write


@pytest.fixture
def evaluate(write, tmp_path):
    """Evaluate lines by the lexicon; return its report and the predictions."""

    def evaluate(*lines, **more):
        gold = jobs.open_gold(write(*lines, **more), [])
        out = tmp_path / "predictions.jsonl"
        found = jobs.evaluate(gold, ["lexicon"], Settings(), out)
        return found["lexicon"].report, read(out)

    return evaluate


def read(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


class Told:
    """An analyser of a test: says of each text what `answer` makes of it, in any order."""

    kind, model, prompt_version = "lexicon", None, "test"

    def __init__(self, answer, order=lambda texts: texts):
        self.seen, self._answer, self._order = [], answer, order

    def analyse(self, texts):
        self.seen = list(texts)
        for text in self._order(self.seen):
            values = self._answer(text)
            yield Analysis(
                source=text.source, review_id=text.review_id, imdb_id=text.imdb_id,
                content_hash=text.content_hash, **{"status": "scored"} | values,
            )  # fmt: skip


@pytest.fixture
def told(monkeypatch):
    """Put an analyser of a test in the lexicon's place."""

    def told(answer, **more):
        analyser = Told(answer, **more)
        monkeypatch.setattr(job, "make_analyser", lambda kind: analyser)
        return analyser

    return told


def line(text=PRAISE, **more):
    return {"text": text, "aspects": {"acting": 2, "sound": 2}} | more


def test_clear_words_are_read_as_labelled(evaluate):
    blame = line(BLAME, aspects={"acting": -2, "sound": -2}, overall=-2, rating_1_10=1)
    report, predictions = evaluate(line(id="g1", overall=2, rating_1_10=10), blame)
    assert report.aspects["acting"].sign_agreement == report.aspects["sound"].f1 == 1
    assert report.overall.spearman == pytest.approx(1)
    assert report.quotes.verified in (1, None)
    assert (report.cost_usd, report.statuses) == (0, {"scored": 2})
    assert report.reviews_per_second > 0
    assert [p["id"] for p in predictions] == ["g1", 2]
    assert list(predictions[0]) == ["id", "status", "aspects", "overall"]
    assert {a for p in predictions for a in p["aspects"]} <= {"acting", "sound", "storytelling"}
    assert set(predictions[1]["aspects"]["sound"]) == {"score", "quote"}


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_file_of_the_form_is_read(evaluate, start, end):
    odd = "Żółć 👩\u200d🚀 cafe\u0301 \u2028 \x00 “naïve”\r\n\r\n"
    lines = [
        line(text=odd + PRAISE, title="Ünïcode"),
        line(text="", aspects={}),
        line(text="Un film magnifique, une musique superbe et des acteurs justes.", aspects={}),
        line(text="!" * 5_000, aspects={}, overall=0),
    ]  # fmt: skip
    report, predictions = evaluate(*lines, start=start, end=end)
    assert [p["id"] for p in predictions] == [1, 2, 3, 4]
    assert report.reviews == 4
    whole = f"{lines[0]['title']}\n\n{lines[0]['text']}"
    assert all(a["quote"] in whole for a in predictions[0]["aspects"].values() if a["quote"])


def test_five_thousand_lines_are_read_and_the_same_lines_alike(evaluate):
    report, predictions = evaluate(*(line([PRAISE, BLAME][n % 2]) for n in range(5_000)))
    assert report.aspects["acting"].n == 5_000
    assert Counter(json.dumps(p["aspects"]) for p in predictions).most_common(2)[1][1] == 2_500
    assert [p["id"] for p in predictions] == list(range(1, 5_001))


def test_a_text_comes_with_its_language_its_cast_and_the_names_of_its_movie(
    write, told, monkeypatch
):
    asked = []

    def learn(texts):
        asked.append(sorted(texts))
        return (f"Name {len(asked)}", "Ada Moss")

    monkeypatch.setattr("filmpulse.analysis.lexicon.learn_names", learn)
    analyser = told(lambda text: {})
    orchard, queue = {"movie": "The Glass Orchard"}, {"imdb_id": "tt99000002"}
    jobs.evaluate(
        jobs.open_gold(
            write(
                line("a", **orchard, cast=["Ada Moss", "Bo Reed"]), line("b", **queue), line("c"),
                line("d", **orchard, language="fr"), line(PRAISE),
            ),
            [],
        ),
        ["lexicon"], Settings(),
    )  # fmt: skip
    assert asked == [["\n\na", "\n\nd"], ["\n\nb"], [f"\n\n{PRAISE}", "\n\nc"]]
    assert [text.cast for text in analyser.seen] == [
        ("Ada Moss", "Bo Reed", "Name 1"), ("Name 2", "Ada Moss"), ("Name 3", "Ada Moss"),
        ("Name 1", "Ada Moss"), ("Name 3", "Ada Moss"),
    ]  # fmt: skip
    assert [text.language for text in analyser.seen][3:] == ["fr", "en"]


def by_valence(text):
    return {"valence": float(text.text.split()[-1]), "overall": 0}


def graded(count, movie, lowest):
    """Reviews of a movie whose valence rises with the grade, from `lowest` on, 10 a grade."""
    return [
        line(f"v {lowest + n / 1000}", movie=movie, rating_1_10=n * 10 // count + 1, aspects={})
        for n in range(count)
    ]


def steps(predictions):
    return Counter(p["overall"] for p in predictions)


def test_the_whole_is_cut_where_the_movies_own_grades_cut(evaluate, told):
    told(by_valence)
    _, predictions = evaluate(*graded(100, "A", 0.1), *graded(100, "B", -0.9))
    shares = {-2: 10, -1: 30, 0: 20, 1: 30, 2: 10}  # grades 1 | 2-4 | 5-6 | 7-9 | 10
    assert steps(predictions[:100]) == steps(predictions[100:]) == shares


def test_a_movie_of_few_grades_is_cut_as_all_reviews_of_the_file(evaluate, told):
    told(by_valence)
    few = line("v 0.9", aspects={})
    _, predictions = evaluate(*graded(300, "A", 0.1), few | {"movie": "B"})
    assert predictions[-1]["overall"] == 2
    _, predictions = evaluate(*graded(99, "A", 0.7), few)  # fixed cuts: all of them are kind
    assert steps(predictions) == {2: 100}


def test_lines_stand_in_the_files_order_however_they_come(evaluate, told):
    told(lambda text: {"overall": 1}, order=lambda texts: texts[::-1])
    _, predictions = evaluate(*(line(id=f"g{9 - n}") for n in range(9)))
    assert [p["id"] for p in predictions] == [f"g{9 - n}" for n in range(9)]


def test_an_analyser_that_stops_leaves_its_figures_and_lines(write, told, tmp_path):
    def answer(text):
        if text.review_id == "2":
            raise LlmUnavailable("It is down.")
        return {"overall": 1}

    told(answer)
    out = tmp_path / "predictions.jsonl"
    gold = jobs.open_gold(write(*[line(overall=1)] * 5), [out])
    found = jobs.evaluate(gold, ["lexicon"], Settings(), out)["lexicon"]
    assert isinstance(found.error, LlmUnavailable)
    assert found.unread == 3
    assert found.report.statuses == {"failed": 3, "scored": 2}
    assert found.report.overall.n == 2
    assert [p["id"] for p in read(out)] == [1, 2]
    assert jobs.evaluation_document({"lexicon": found})["error"] == "It is down."


def test_each_line_is_written_at_once_by_a_model(write, told, tmp_path, monkeypatch):
    """Whatever ends the process, what was answered before is in the file."""
    out = tmp_path / "predictions.jsonl"
    found = []

    def answer(text):
        found.append(len(read(out)))
        return {}

    analyser = told(answer)
    monkeypatch.setattr("filmpulse.analysis.llm.analyser.LlmAnalyser", lambda *given: analyser)
    settings = Settings(llm_api_key="sk-of-a-test")
    jobs.evaluate(jobs.open_gold(write(*[line()] * 4), [out]), ["llm"], settings, out)
    assert found == [0, 1, 2, 3]


def test_an_output_needs_a_place_of_its_own(write, tmp_path):
    path = write(line())
    before = path.read_bytes()
    there = tmp_path / "out.json"
    for outputs in ([path], [tmp_path / "." / path.name], [there, there], [tmp_path],
                    [tmp_path / "no" / "out.json"]):  # fmt: skip
        with pytest.raises(BadInput):
            jobs.open_gold(path, outputs)
    assert path.read_bytes() == before
    assert len(jobs.open_gold(path, [there])) == 1


def test_a_model_without_an_endpoint_or_a_price_is_refused_before_anything(write):
    gold = jobs.open_gold(write(line()), [])
    with pytest.raises(BadInput, match="FILMPULSE_LLM_BASE_URL"):
        jobs.evaluation_cost(gold, Settings())
    with pytest.raises(BadInput, match="not known"):
        jobs.evaluation_cost(gold, Settings(llm_api_key="sk-of-a-test", llm_model="no-such"))
    assert "$0.20 is spent" in jobs.evaluation_cost(
        gold, Settings(llm_api_key="sk-of-a-test", llm_budget_usd_per_day=0.2)
    )
