"""Every odd way in which an endpoint answers: what becomes of reviews, calls, money and the run."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import logging
import threading
from collections import Counter
from decimal import Decimal
from ipaddress import ip_address
from typing import NamedTuple

import fake_endpoint as fake
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from typer.testing import CliRunner

from filmpulse import cli, jobs
from filmpulse.analysis.llm import analyser
from filmpulse.analysis.llm.client import preflight
from filmpulse.analysis.llm.lenient import LENIENCIES
from filmpulse.config import Settings
from filmpulse.errors import LlmRefused, LlmUnavailable
from filmpulse.warehouse import Warehouse

pytestmark = pytest.mark.usefixtures("no_lost_errors")

FEW, MANY = 3, 12
"""Reviews of a run that ends well, and of one that gives up before it has asked about all."""
KEY = "sk-of-a-test-0cc175b9c0f1b6a8"
# One good call reads 900 tokens and writes 120: 0.9 + 0.6 cents at these prices.
PRICES = {"llm_price_input_usd": 10, "llm_price_output_usd": 50}
CENTS = Decimal("1.5")


class Row(NamedTuple):
    """What a run over a few or many reviews, one request at a time, comes to.

    Attributes:
        statuses: How many reviews ended how.
        outcomes: How many calls did; together they are all that was sent. Both are a range where
            two reviews are asked about again by turns.
        cents: What each call costs, by its outcome; 0 where none is named, None where nobody knows,
            and what was set aside stays so.
        leniencies: By which words the scored answers were read, each of them by all.
        reason: The word of the error that ends the run with exit code 1; None for exit code 0.
        says: Words of that error, or of a call's sentence where there is none.
    """

    statuses: dict[str, range]
    outcomes: dict[str, range]
    cents: dict[str, float | None]
    leniencies: tuple[str, ...] = ()
    reason: str | None = None
    says: str = ""


def exactly(count):
    return range(count, count + 1)


def read(*leniencies, cents=CENTS, rejected=0):
    """Return the row of a mode whose answers are all read, each at its first request."""
    outcomes = {"scored": exactly(FEW)} | ({"rejected": exactly(rejected)} if rejected else {})
    return Row({"scored": exactly(FEW)}, outcomes, {"scored": cents}, leniencies)


def stopped(reason, outcomes, says, *, statuses=None, cents=None):
    """Return the row of a mode that ends the run."""
    return Row(statuses or {}, outcomes, cents or {}, (), reason, says)


def unusable(says):
    """Return the row of a mode whose answers are paid for and cannot be used."""
    ten = analyser.MAX_UNUSABLE
    given = {"invalid": exactly(ten)}
    return stopped("unusable_answers", given, says, statuses=given,
                   cents={"invalid": CENTS})  # fmt: skip


FIVE = analyser.MAX_FAILURES


def down(outcome, says, *, cents=0, tries=analyser.MAX_ATTEMPTS, status="failed"):
    """Return the row of a mode that is asked again until five reviews in a row came to nothing."""
    calls = {outcome: range(tries * FIVE, tries * (FIVE + 1))}
    return stopped(
        "llm_unavailable", calls, says, statuses={status: exactly(FIVE)}, cents={outcome: cents}
    )


def rejected(says, *, steps=0):
    """Return the row of a mode that takes no request, after trying other forms of it."""
    calls = {"rejected": exactly(FIVE + steps)}
    return stopped("rejected", calls, says, statuses={"failed": exactly(FIVE)})


def refused(reason, says):
    """Return the row of a mode that ends the run at its first request."""
    return stopped(reason, {reason: exactly(1)}, says)


ROWS = {
    "ok": read(),
    # The right JSON, in other clothes.
    "fenced": read("code_fence"),
    "fencedprose": read("code_fence", "prose"),
    "think": read("thinking"),
    "thinkend": read("thinking"),
    "reasoning": read(),
    "reasononly": read("reasoning"),
    "parts": read("content_parts"),
    "parts1": read("content_parts"),
    "tool": read("tool_call"),
    "wrapped": read("wrapper"),
    "strscore": read("text_scores"),
    "extra": read("extra_keys"),
    "zeroscore": read("empty_aspect"),
    # A quote that is not in the review is dropped and its score stays; so does one without a quote.
    "noquote": read("no_quote"),
    "floats": read(),  # 1.0 is 1
    "trailing": read(),
    "bom": read(),
    "padded": read(),
    "sse": read("stream", cents=None),
    "ssepieces": read("stream"),
    # Why the model stopped does not matter where the answer is whole.
    "nullfinish": read(),
    "eos": read(),
    # A usage that is missing, half or impossible is not known; digits as text are.
    "nulluse": read(cents=None),
    "nouse": read(cents=None),
    "halfuse": read(cents=None),
    "hugeuse": read(cents=None),
    "strtokens": read(),
    # The list of models is a help and no condition.
    "nodata": read(),
    "listmodels": read(),
    "htmlmodels": read(),
    "nulldata": read(),
    "m404": read(),
    "m500": read(),
    "numid": read(),
    # Each way of asking that is not known costs one request, free of charge, for all reviews.
    "noschema": read(rejected=1),
    "noformat": read(rejected=2),
    "nomax": read(rejected=1),
    "noneither": read(rejected=3),
    # Single quotes make no JSON: reading them would be guessing.
    "single": unusable("begins “{'storytelling': {'mentioned': "),
    # Each text is asked about twice, with double room; ten such answers are enough.
    "length": stopped(
        "unusable_answers", {"truncated": exactly(10)}, 'begins “{"storytelling"',
        statuses={"truncated": range(4, 6)}, cents={"truncated": CENTS},
    ),
    # What a model says of a review is an answer, also where it will not read it.
    "refusal": Row(
        {"refused": exactly(FEW)}, {"refused": exactly(FEW)}, {"refused": CENTS},
        says="refuses to read",
    ),
    # An error in the body stands for a status.
    "err200": down("rate_limited", "slow down (200 with 429). It says: Provider returned error"),
    "err200key": refused("key_refused", "It says: No auth credentials found"),
    "err200money": refused("quota_exhausted", "It says: Insufficient credits"),
    "err200down": down("unavailable", "(200 with 503). It says: Overloaded"),
    "err200gate": down("unavailable", "(200 with 502). It says: Bad gateway", cents=None),
    "err200odd": down("unavailable", "(200 with an error). It says: Something", cents=None),
    "err200choice": down("unavailable", "(200 with 502). It says: Upstream"),
    "sseerror": down("unavailable", "It says: Provider went away", cents=None),
    # The provider broke it off, and bills what it wrote.
    "errfinish": down("unavailable", "broke the answer off", cents=CENTS),
    # Paid for twice is enough; not billed, as far as anybody says, it is asked for six times.
    "emptychoices": down(
        "malformed", "no chat completion", cents=Decimal("0.9"), tries=2, status="invalid"
    ),
    "nullchoices": down("malformed", "no chat completion", cents=None),
    "html200": stopped(
        "not_an_api", {"malformed": exactly(1)},
        "a web page, perhaps a log-in, titled 'Sign in here'. Check FILMPULSE_LLM_BASE_URL",
        cents={"malformed": None},
    ),
    # Error bodies of any shape keep their sentence.
    "gemini429": down("rate_limited", "It says: You exceeded your current quota, please check"),
    "plain400": rejected("It says: bad request"),
    "listerr": rejected("It says: Invalid JSON payload received."),
    # Neither form is known, nor the request without one.
    "strerr": rejected("must be 'json_schema' or 'text'", steps=2),
}  # fmt: skip


@pytest.fixture(scope="module")
def endpoint():
    with fake.running() as server:
        yield server


@pytest.fixture(autouse=True)
def _impatient(monkeypatch, request):
    monkeypatch.setattr(analyser, "FIRST_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(analyser, "LONGEST_BACKOFF_SECONDS", 0.002)
    if "endpoint" in request.fixturenames:
        server = request.getfixturevalue("endpoint")
        server.chats.clear()
        server.lists.clear()


def settings_of(scoring, url, **values):
    usual = PRICES | {"llm_model": fake.MODEL, "llm_provider": "other", "llm_concurrency": 1}
    return scoring.settings(url, **usual | values)


def run(scoring, settings, texts, **more):
    """Score texts; return what came of them, and what ended the run."""
    found = []
    with scoring.analyser(settings, run_usd=100, day_usd=100, **more) as made:
        try:
            found.extend(made.analyse(texts))
        except (LlmRefused, LlmUnavailable) as error:
            return found, error
    return found, None


def test_no_mode_is_forgotten():
    assert ROWS.keys() == {"ok", *fake.CHATS, *fake.LISTS}
    assert {word for row in ROWS.values() for word in row.leniencies} == LENIENCIES.keys()


@pytest.mark.parametrize("mode", ROWS)
def test_what_becomes_of_it(scoring, endpoint, mode):
    row = ROWS[mode]
    texts = scoring.many(MANY if row.reason else FEW)
    found, error = run(scoring, settings_of(scoring, endpoint.url(mode)), texts)
    calls = scoring.calls()
    for ended, wanted in (
        (Counter(a.status for a in found), row.statuses),
        (Counter(call["outcome"] for call in calls), row.outcomes),
    ):
        assert ended.keys() == wanted.keys()
        assert all(number in wanted[word] for word, number in ended.items()), ended
    assert len(endpoint.chats) == len(calls)
    for call in calls:
        usd = call["cost_usd"]
        assert (usd if usd is None else 100 * usd) == row.cents.get(call["outcome"], 0)
    assert {tuple(c["leniencies"]) for c in calls if c["outcome"] == "scored"} <= {row.leniencies}
    assert (error and error.reason) == row.reason
    said = str(error) if error else " ".join(call["sentence"] or "" for call in calls)
    assert row.says in said
    assert all(a.overall == 1 for a in found if a.status == "scored")


@pytest.mark.parametrize("mode", [m for m, row in ROWS.items() if row.leniencies])
def test_what_was_read_leniently_is_never_sent_twice(scoring, endpoint, mode):
    settings = settings_of(scoring, endpoint.url(mode))
    texts = scoring.many(2)
    run(scoring, settings, texts)
    sent = len(endpoint.chats)
    again, error = run(scoring, settings, texts, run_id="again")
    assert (sent, len(endpoint.chats), error) == (2, 2, None)
    assert Counter(a.status for a in again) == {"scored": 2}


# ------------------------------------------------------------ what a person sees of it

MOVIE = "tt9900077"
FIGURES = (
    "analyser_kind", "scored_reviews", "mean_overall", "overall_low", "overall_high",
    "waiting_reviews",
)  # fmt: skip


@pytest.fixture
def context(warehouse_url, tmp_path):
    """A movie with reviews that the lexicon has read, and no model."""
    with Warehouse(warehouse_url).connect() as connection:
        connection.execute(
            "INSERT INTO core.movies (imdb_id, title, facts_as_of) VALUES (%s, 'Ebb', now())",
            (MOVIE,),
        )
        connection.cursor().executemany(
            "INSERT INTO core.reviews (source, review_id, imdb_id, title, body, is_spoiler, "
            "content_hash, first_seen_at) VALUES ('imdb', %s, %s, %s, %s, false, %s, now())",
            [
                (f"rw77{n:04}", MOVIE, f"Scene {n}", "The plot is dull, the acting superb.", str(n))
                for n in range(MANY)
            ],
        )
    settings = Settings(warehouse_url=warehouse_url, lake_url=tmp_path.as_uri())
    context = jobs.Context.from_settings(settings)
    jobs.analyse(MOVIE, context)
    return context


def figures_of(context):
    row = jobs.summary(MOVIE, context).movie
    return {name: row[name] for name in FIGURES}


@pytest.mark.parametrize("mode", ROWS)
def test_figures_before_and_after_and_the_exit_code(context, endpoint, monkeypatch, mode):
    row = ROWS[mode]
    before = figures_of(context)
    assert (before["analyser_kind"], before["scored_reviews"]) == ("lexicon", MANY)
    values = PRICES | {"llm_model": fake.MODEL, "llm_provider": "other", "llm_concurrency": 1}
    values |= {"llm_base_url": endpoint.url(mode), "llm_api_key": KEY}
    values |= {"llm_budget_usd_per_run": 100, "llm_budget_usd_per_day": 100}
    values |= {"llm_requests_per_minute": 600_000, "llm_tokens_per_minute": 1_000_000_000}
    settings = Settings.model_validate(context.settings.model_dump() | values)
    with_model = jobs.Context.from_settings(settings)
    monkeypatch.setattr(cli.common, "scoring_context", lambda: with_model)
    result = CliRunner().invoke(cli.app, ["analyse", MOVIE])
    assert result.exit_code == (1 if row.reason else 0), result.output
    assert (row.reason is None) or row.says in " ".join(result.output.split())
    after = figures_of(context)
    if "scored" in row.statuses:
        assert (after["analyser_kind"], after["scored_reviews"]) == ("llm", MANY)
        assert (after["mean_overall"], after["waiting_reviews"]) == (1, 0)
    else:
        assert after == before


# --------------------------------------------------------------- unusable answers


def test_many_at_once_stop_soon_after_the_tenth(scoring, endpoint):
    settings = settings_of(scoring, endpoint.url("single"), llm_concurrency=16)
    found, error = run(scoring, settings, scoring.many(200))
    assert error.reason == "unusable_answers"
    assert Counter(a.status for a in found) == {"invalid": len(endpoint.chats)}
    # Those under way are finished; others may begin while the ledger is asked.
    assert 10 <= len(endpoint.chats) <= 10 + 2 * 16


def test_ten_reviews_in_all_are_enough(scoring, endpoint):
    """The run ends with the tenth answer, after which nothing more would be sent anyway."""
    settings, texts = settings_of(scoring, endpoint.url("single")), scoring.many(19)
    found, error = run(scoring, settings, texts[:10])
    assert (len(found), error.reason) == (10, "unusable_answers")
    found, error = run(scoring, settings, texts[10:], run_id="nine")
    assert (len(found), error) == (9, None)


def test_a_runs_tasks_are_counted_together_and_other_runs_are_not(scoring, endpoint):
    settings = settings_of(scoring, endpoint.url("single"))
    texts = scoring.many(21)
    for at in range(0, 18, 6):
        assert run(scoring, settings, texts[at : at + 3])[1] is None
        assert run(scoring, settings, texts[at + 3 : at + 6], run_id="another")[1] is None
    found, error = run(scoring, settings, texts[18:])
    assert (len(found), error.reason) == (1, "unusable_answers")


@pytest.mark.parametrize(
    ("pattern", "is_stopped"),
    [
        ("u" * 9 + "g" + "u" * 9 + "g", True),  # the eleventh of the first twenty
        ("gu" * 10 + "gg" * 5, False),  # half of them is not more than half
        ("g" * 30 + "u" * 9 + "g", False),
        ("g" * 30 + "u" * 10, True),
        ("gu" * 10 + "uug" * 6, False),  # those after the first twenty are a few in a row only
    ],
)
def test_ten_in_a_row_or_most_of_the_first_twenty(
    scoring, endpoint, monkeypatch, pattern, is_stopped
):
    answers = iter(pattern)
    kinds = {"g": fake.completion(), "u": fake.completion("It is a fine one.")}
    monkeypatch.setitem(fake.CHATS, "mixed", lambda _: kinds[next(answers)])
    texts = scoring.many(len(pattern))
    found, error = run(scoring, settings_of(scoring, endpoint.url("mixed")), texts)
    assert (error is not None) == is_stopped
    if not is_stopped:
        assert len(found) == len(pattern)
    # What was answered stays.
    kept = run(
        scoring, settings_of(scoring, endpoint.url("mixed")), texts[: len(found)], run_id="b"
    )
    assert [a.status for a in kept[0]] == [a.status for a in found]


def test_who_mended_a_stopped_run_takes_it_up(scoring, endpoint, monkeypatch):
    """A note of the stop stands in the ledger for a while; answers before it count no more."""
    settings = settings_of(scoring, endpoint.url("single"))
    texts = scoring.many(33)
    assert run(scoring, settings, texts[:12])[1].reason == "unusable_answers"
    scoring.db.execute(
        "INSERT INTO ops.llm_calls (run_id, model, prompt_version, finished_at, outcome, "
        "reserved_usd, cost_usd, sentence) VALUES ('run', 'm', 'v', now(), 'unusable_answers', "
        "0, 0, 'Of no use.')"
    )
    found, error = run(scoring, settings, texts[12:24])
    assert (found, str(error), error.reason) == ([], "Of no use.", "unusable_answers")
    scoring.db.execute("UPDATE ops.llm_calls SET finished_at = finished_at - interval '5 minutes'")
    found, error = run(scoring, settings, texts[24:])
    assert (len(found), error) == (9, None)


SECRETS = "ravishing lanterns nobody believes storytelling acting visuals sound Qwxyz 8731"


@pytest.mark.parametrize(
    "echo",
    [
        "{review}",
        "{upper}",
        '{{"quote": "{review}", "score": 9}}',
        "I cannot judge: {review}",
        "{dashed}",
        "{spaced}",
        "{escaped}",
        "{entities}",
        "{wide}",
        "{reversed}",
    ],
)
def test_no_word_of_a_review_is_shown(scoring, endpoint, monkeypatch, caplog, echo):
    caplog.set_level(logging.DEBUG, logger="filmpulse")
    forms = {
        "review": SECRETS,
        "upper": SECRETS.upper(),
        "dashed": SECRETS.replace(" ", "-"),
        "spaced": " ".join(SECRETS),
        "escaped": "".join(f"\\u{ord(c):04x}" for c in SECRETS),
        "entities": "".join(f"&#{ord(c)};" for c in SECRETS),
        "wide": "".join(chr(ord(c) + 0xFEE0) if c != " " else c for c in SECRETS),
        "reversed": SECRETS[::-1],
    }
    monkeypatch.setitem(fake.CHATS, "echo", fake.completion(echo.format(**forms)))
    texts = scoring.add(*(f"{SECRETS} {n}" for n in range(12)))
    _, error = run(scoring, settings_of(scoring, endpoint.url("echo")), texts)
    assert error.reason == "unusable_answers"
    said = " ".join([str(error), caplog.text, *(c["sentence"] for c in scoring.calls())])
    for word in SECRETS.split():
        if word not in fake.ANSWER:  # a field's name alone tells nothing
            assert word not in said.casefold()
    assert "storytelling acting" not in said.casefold()


# ------------------------------------------------------------ settings and requests


def forms(endpoint):
    """Say how each request asked: the answer's format, and the field of its length."""
    return [
        (
            asked.get("response_format", {}).get("type", "none"),
            next(name for name in asked if name.startswith("max_")),
        )
        for _, _, asked in endpoint.chats
    ]


def test_each_step_is_taken_once_and_for_all_at_once(scoring, endpoint):
    settings = settings_of(scoring, endpoint.url("noneither"), llm_concurrency=16)
    found, error = run(scoring, settings, scoring.many(60))
    assert (Counter(a.status for a in found), error) == ({"scored": 60}, None)
    assert forms(endpoint)[:3] == [
        ("json_schema", "max_tokens"), ("json_object", "max_tokens"), ("none", "max_tokens"),
    ]  # fmt: skip
    assert set(forms(endpoint)[3:]) == {("none", "max_completion_tokens")}
    assert len(endpoint.chats) == 63
    assert {call["cost_usd"] for call in scoring.calls() if call["outcome"] == "rejected"} == {0}


def test_an_endpoint_that_changes_its_mind_loses_no_review(scoring, endpoint, monkeypatch):
    """Many requests are under way in the form that it no longer knows: each is sent once more."""
    numbers, together = itertools.count(), threading.Barrier(16)

    def answer(asked):
        number = next(numbers)
        if 1 <= number <= 16:
            together.wait(60)
        return fake.completion() if number == 0 else fake.CHATS["noneither"](asked)

    monkeypatch.setitem(fake.CHATS, "moody", answer)
    settings = settings_of(scoring, endpoint.url("moody"), llm_concurrency=16)
    found, error = run(scoring, settings, scoring.many(40))
    assert (Counter(a.status for a in found), error) == ({"scored": 40}, None)
    assert forms(endpoint)[-1] == ("none", "max_completion_tokens")


@pytest.mark.parametrize(
    "message",
    [
        {"content": fake.GOOD, "tool_calls": {}},
        {"content": fake.GOOD, "tool_calls": [None, {"function": []}], "reasoning": {"a": 1}},
        {"content": "I call a tool.", "tool_calls": [{"function": {"arguments": fake.ANSWER}}]},
        {"content": " ", "reasoning_content": [], "reasoning": fake.GOOD},
        {"content": [{"type": "reasoning", "text": "{"}, {"text": fake.GOOD}, {"text": None}]},
    ],
    ids=range(5),
)
def test_odd_parts_of_a_message_hide_no_answer(scoring, endpoint, monkeypatch, message):
    monkeypatch.setitem(fake.CHATS, "odd", fake.completion(**message))
    found, _ = run(scoring, settings_of(scoring, endpoint.url("odd")), scoring.many(1))
    assert [a.status for a in found] == ["scored"]


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ({}, ("json_schema", "max_tokens")),
        ({"llm_answer_format": "json_object"}, ("json_object", "max_tokens")),
        ({"llm_answer_format": "none"}, ("none", "max_tokens")),
        ({"llm_token_field": "max_completion_tokens"}, ("json_schema", "max_completion_tokens")),
    ],
)
def test_the_settings_say_how_to_ask(scoring, endpoint, values, form):
    run(scoring, settings_of(scoring, endpoint.url("ok"), **values), scoring.many(1))
    assert forms(endpoint) == [form]


def test_a_token_limit_that_is_too_large_changes_no_field(scoring, endpoint, monkeypatch):
    too_large = fake.error(400, "max_tokens is too large: 700. This model takes 512 at most.")
    monkeypatch.setitem(fake.CHATS, "small", too_large)
    _, error = run(scoring, settings_of(scoring, endpoint.url("small")), scoring.many(12))
    assert error.reason == "rejected"
    assert {field for _, field in forms(endpoint)} == {"max_tokens"}
    assert len(endpoint.chats) == FIVE


def test_azures_version_and_key_go_with_every_call(scoring, endpoint):
    url = endpoint.url("ok").replace("/v1", "/openai/deployments/d") + "?api-version=2026-10-01"
    found, _ = run(scoring, settings_of(scoring, url), scoring.many(2))
    assert Counter(a.status for a in found) == {"scored": 2}
    asked = [(path, headers) for path, headers, _ in endpoint.chats] + endpoint.lists
    assert len(asked) == 3
    for path, headers in asked:
        assert path.endswith(
            ("/chat/completions?api-version=2026-10-01", "/models?api-version=2026-10-01")
        )
        assert headers["api-key"] == KEY
    run(scoring, settings_of(scoring, endpoint.url("ok")), scoring.many(1))
    assert "api-key" not in endpoint.chats[-1][1]


# -------------------------------------------------------------------- certificates


@pytest.fixture
def certificate(tmp_path):
    """A certificate of this machine that nobody vouches for, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "filmpulse test")])
    now = dt.datetime.now(dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form = serialization.PrivateFormat.PKCS8
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, form, serialization.NoEncryption())
    )
    return file


def test_a_certificate_that_is_not_trusted_is_named_and_can_be(scoring, certificate, monkeypatch):
    with fake.running(certificate) as server:
        settings = settings_of(scoring, server.url("ok"))
        found, error = run(scoring, settings, scoring.many(2))
        assert (found, server.chats, error.reason) == ([], [], "unsafe_certificate")
        assert "SSL_CERT_FILE" in str(error)
        assert "self-signed" in str(error)
        with pytest.raises(LlmRefused, match="SSL_CERT_FILE"):
            preflight(settings)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        found, error = run(scoring, settings, scoring.many(2), run_id="trusted")
        assert (Counter(a.status for a in found), error) == ({"scored": 2}, None)


def test_json_is_what_the_fixture_sends():
    assert json.loads(fake.GOOD) == fake.ANSWER
