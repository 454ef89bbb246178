"""`filmpulse evaluate` without a running stack: files in, figures out, a model by llmock."""

from __future__ import annotations

import json
import signal

import pytest
from llmock.scenarios import Fail, Match
from typer.testing import CliRunner

from filmpulse.cli import app
from filmpulse.cli.common import Terminated
from filmpulse.jobs.upkeep.write_predictions import Predictions

KEY = "sk-of-a-test-92eb5ffee6ae2fec"
PRAISE = "Scene {}: the acting is superb and the music is wonderful. I loved it."
ON_CHATS = Match(path="/v1/chat/completions")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command in an empty environment and folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("AIRFLOW_HOME", "FILMPULSE_WAREHOUSE_URL", "FILMPULSE_LAKE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("filmpulse.analysis.llm.analyser.FIRST_BACKOFF_SECONDS", 0.05)

    def run(*words):
        return CliRunner().invoke(app, ["evaluate", "labels.jsonl", *words])

    return run


@pytest.fixture
def endpoint(llmock, monkeypatch):
    for name, value in {
        "BASE_URL": llmock.base_url(), "API_KEY": KEY, "PROVIDER": "openai",
        "REQUESTS_PER_MINUTE": "600000", "TOKENS_PER_MINUTE": "1000000000",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"FILMPULSE_LLM_{name}", value)
    return llmock


@pytest.fixture
def labels(tmp_path):
    def labels(count):
        lines = [
            {"id": f"g{n}", "title": "Orchard", "text": PRAISE.format(n), "rating_1_10": 9,
             "aspects": {"acting": 2, "sound": 2}, "overall": 2}
            for n in range(count)
        ]  # fmt: skip
        written = "".join(f"{json.dumps(line)}\n" for line in lines)
        (tmp_path / "labels.jsonl").write_text(written, encoding="utf-8")

    return labels


def report(tmp_path):
    return json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))


def predictions(tmp_path):
    return [json.loads(line) for line in (tmp_path / "p.jsonl").read_bytes().splitlines()]


def asked(llmock):
    return sum(record.path == ON_CHATS.path for record in llmock.requests)


def at_line(number, monkeypatch, do):
    """Do something once so many predictions were written."""
    add = Predictions.add

    def add_and_do(self, *given):
        add(self, *given)
        if len(self.lines) == number:
            do()

    monkeypatch.setattr(Predictions, "add", add_and_do)


OUT = ["--json", "out.json", "--predictions", "p.jsonl"]


def test_the_keyless_analyser_is_measured(run, labels, tmp_path):
    labels(12)
    ended = run(*OUT)
    assert ended.exit_code == 0, ended.output
    found = report(tmp_path)
    assert found["aspects"]["acting"]["n"] == 12
    assert found["aspects"]["sound"]["sign_agreement"] == 1
    assert found["overall"]["n"] == 12
    assert found["cost_usd"] == 0
    assert found["analyser"]["kind"] == "lexicon"
    assert "analysers" not in found
    assert [p["id"] for p in predictions(tmp_path)] == [f"g{n}" for n in range(12)]
    for word in ("storytelling", "themes", "all aspects", "overall", "12 scored"):
        assert word in ended.output


@pytest.mark.parametrize("others", [5, 6, 7])
def test_languages_that_an_analyser_does_not_read_are_told(run, labels, tmp_path, others):
    labels(12)
    path = tmp_path / "labels.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for at, line in enumerate(lines):
        line["language"] = "ja-JP" if at < others else "en-GB"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    ended = run(*OUT)
    assert ended.exit_code == 0, ended.output
    assert report(tmp_path)["statuses"] == {"scored": 12 - others, "unsupported_language": others}
    assert ("does not read" in ended.output) == (others > 6)


def test_the_same_file_gives_the_same_report(run, labels, tmp_path):
    labels(12)
    found = []
    for _ in range(2):
        assert run(*OUT).exit_code == 0
        found.append(report(tmp_path) | {"seconds": 0, "reviews_per_second": 0})
    assert found[0] == found[1]


def test_a_model_is_measured_beside_the_keyless_analyser(run, labels, endpoint, tmp_path):
    labels(12)
    ended = run("--analyser", "lexicon", "--analyser", "llm", *OUT)
    assert ended.exit_code == 0, ended.output
    found = report(tmp_path)["analysers"]
    assert list(found) == ["lexicon", "llm"]
    model = found["llm"]
    assert model["statuses"] == {"scored": 12}
    assert 0 < model["cost_usd"] < 0.5
    assert model["analyser"]["model"] == "gpt-6-luna"
    assert set(model["aspects"]["acting"]) == set(found["lexicon"]["aspects"]["acting"])
    assert [(p["analyser"], p["id"]) for p in predictions(tmp_path)] == [
        (name, f"g{n}") for name in ("lexicon", "llm") for n in range(12)
    ]
    assert asked(endpoint) == 12
    assert KEY not in ended.output


def test_the_budget_of_a_run_is_kept(run, labels, endpoint, tmp_path, monkeypatch):
    labels(1)
    assert run("--analyser", "llm", *OUT).exit_code == 0
    price = report(tmp_path)["cost_usd"]
    labels(200)
    monkeypatch.setenv("FILMPULSE_LLM_BUDGET_USD_PER_RUN", str(20 * price))
    ended = run("--analyser", "llm", *OUT)
    assert ended.exit_code == 1, ended.output
    found = report(tmp_path)
    assert 0 < found["cost_usd"] <= 20 * price
    assert found["statuses"]["scored"] == asked(endpoint) - 1 < 20
    assert found["statuses"]["over_budget"] == 200 - found["statuses"]["scored"]
    assert found["aspects"]["acting"]["n"] == found["statuses"]["scored"]
    assert [p["id"] for p in predictions(tmp_path)] == [f"g{n}" for n in range(200)]


def test_an_endpoint_that_fails_in_the_middle_costs_no_answer(
    run, labels, endpoint, tmp_path, monkeypatch
):
    labels(40)
    monkeypatch.setenv("FILMPULSE_LLM_CONCURRENCY", "1")
    said = f"Incorrect API key provided: {KEY}."
    refusal = Fail(401, message=said, code="invalid_api_key", times=None)
    at_line(10, monkeypatch, lambda: endpoint.add(refusal))
    ended = run("--analyser", "llm", *OUT)
    assert ended.exit_code == 1, ended.output
    found = report(tmp_path)
    assert found["error"]
    read = len(predictions(tmp_path))
    assert 10 <= read < 20
    assert found["statuses"] == {"failed": 40 - read, "scored": read}
    assert found["aspects"]["acting"]["n"] == read
    assert KEY not in ended.output


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_an_interrupted_evaluation_keeps_what_was_paid(
    run, labels, endpoint, tmp_path, monkeypatch, stop, code
):
    def interrupt():
        raise stop

    labels(60)
    at_line(10, monkeypatch, interrupt)
    before = signal.getsignal(signal.SIGINT)
    try:
        ended = run("--analyser", "llm", *OUT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.exit_code == code, ended.output
    ids = [p["id"] for p in predictions(tmp_path)]
    assert len(ids) == 10
    assert ids == sorted(ids, key=lambda found: int(found[1:]))
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"text": "a"}', ["labels.jsonl", "line 1", "aspects"]),
        (b"", ["labels.jsonl"]),
        (b'{"text": "a", "aspects": {"sound": 9}}', ["labels.jsonl", "line 1", "sound"]),
    ],
)
def test_a_wrong_file_is_named_and_nothing_is_written(run, tmp_path, line, words):
    (tmp_path / "labels.jsonl").write_bytes(line)
    ended = run(*OUT)
    assert ended.exit_code == 1
    assert all(word in str(ended.exception) for word in words)
    assert [path.name for path in tmp_path.iterdir()] == ["labels.jsonl"]


def test_a_model_that_is_not_set_is_said_before_anything(run, labels, tmp_path, monkeypatch):
    labels(1)
    for name in ("FILMPULSE_LLM_BASE_URL", "FILMPULSE_LLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    ended = run("--analyser", "lexicon", "--analyser", "llm", *OUT)
    assert ended.exit_code == 1
    assert "FILMPULSE_LLM_BASE_URL" in str(ended.exception)
    assert not (tmp_path / "p.jsonl").exists()
