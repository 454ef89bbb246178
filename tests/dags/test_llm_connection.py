"""The Connection `filmpulse_llm`, the Variable of a day's budget, and what setup makes of both."""

import json
import logging
import os
import subprocess
import sys

import pytest

from filmpulse import airflow_bridge, cli
from filmpulse.airflow_bridge import connections, objects
from filmpulse.config import Settings
from filmpulse.errors import BadInput

KEY = "sk-the-key-of-a-test-5f2d"


@pytest.fixture
def connect(monkeypatch):
    """Give Airflow the Connection, as JSON or as a URI."""

    def connect(value=None, **fields):
        text = value or json.dumps({"conn_type": "generic", **fields})
        monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_LLM", text)

    return connect


@pytest.fixture(params=["with_model", "stored_model"])
def read(request):
    """Read the model's settings as a task does, and as the command line does."""
    return lambda **env: getattr(connections, request.param)(Settings(**env))


def test_without_a_connection_the_environment_counts(read):
    theirs = {"llm_api_key": KEY, "llm_model": "gpt-5.6-luna", "llm_concurrency": 3}
    assert read(**theirs) == Settings(**theirs)
    assert not read().has_llm


def test_the_connection_says_all_but_budgets(read, connect):
    connect(
        host="https://models.example/v1",
        password=KEY,
        extra={
            "model": "m-1",
            "tokens_per_minute": "9000",
            "temperature": 0,
            "service_tier": "",
            "answer_format": "none",
            "token_field": "max_completion_tokens",
        },
    )
    theirs = {
        "llm_base_url": "https://elsewhere.example",
        "llm_api_key": "sk-another",
        "llm_model": "gpt-5.6-luna",
        "llm_price_input_usd": 7,
        "llm_budget_usd_per_run": 0.25,
        "removed_text_days": 3,
    }
    found = read(**theirs)
    assert found == Settings(
        llm_base_url="https://models.example/v1",
        llm_api_key=KEY,
        llm_model="m-1",
        llm_tokens_per_minute=9000,
        llm_temperature=0,
        llm_answer_format="none",
        llm_token_field="max_completion_tokens",
        llm_budget_usd_per_run=0.25,
        removed_text_days=3,
    )


def test_a_connection_without_a_password_sends_nobody_elses_key(read, connect):
    connect(host="http://127.0.0.1:11434/v1")
    assert read(llm_api_key=KEY).llm_api_key is None


def test_a_connection_without_a_host_means_the_providers_own_address(read, connect):
    connect(password=KEY)
    found = read(llm_base_url="https://elsewhere.example")
    assert (found.llm_base_url, found.has_llm) == (None, True)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        (f"generic://:{KEY}@https%3A%2F%2Fapi.example%2Fv1", "https://api.example/v1"),
        (f"generic://https://:{KEY}@api.example:8443/v1", "https://api.example:8443/v1"),
        (f"generic://:{KEY}@api.example/v1", "https://api.example/v1"),
        (f"generic://http://:{KEY}@127.0.0.1:8101/v1", "http://127.0.0.1:8101/v1"),
        (
            f"generic://:{KEY}@https%3A%2F%2Fx.example%2Fdeployments%2Fd%3Fapi-version%3D1",
            "https://x.example/deployments/d?api-version=1",
        ),
    ],
)
def test_a_uri_is_put_together_again(read, connect, value, url):
    connect(value)
    found = read()
    assert found.llm_base_url == url
    assert found.llm_api_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": KEY, "extra": {"modell": "x", "budget_usd_per_run": 1, "model": "m"}},
         "budget_usd_per_run, modell"),
        ({"password": KEY, "extra": {"concurrency": "many"}}, "concurrency"),
        ({"password": KEY, "extra": {"temperature": 9}}, "temperature"),
        ({"password": KEY, "extra": {"answer_format": "xml"}}, "answer_format"),
        ({"password": KEY, "extra": {"token_field": "tokens"}}, "token_field"),
        ({}, "neither a host"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_and_the_key_is_not(read, connect, caplog, fields, words):
    connect(**fields)
    with caplog.at_level(logging.DEBUG), pytest.raises(BadInput, match=words) as error:
        read()
    assert KEY not in str(error.value)
    assert KEY not in caplog.text
    assert error.value.__cause__ is None


@pytest.mark.parametrize("extra", ["[1]", "model=x"])
def test_an_extra_that_is_no_object_is_named(connect, extra):
    connect(password=KEY, extra=extra)  # outside a task Airflow refuses to hold such a one
    with pytest.raises(BadInput, match="no JSON object") as error:
        connections.with_model(Settings())
    assert KEY not in str(error.value)


def test_a_mistake_is_kept_for_those_who_ask_the_model(monkeypatch, connect, tmp_path):
    monkeypatch.setenv("FILMPULSE_LAKE_URL", tmp_path.as_uri())
    monkeypatch.setenv("FILMPULSE_LLM_API_KEY", "sk-of-the-environment")
    monkeypatch.setenv("AIRFLOW_CONN_FILMPULSE_WAREHOUSE", '{"conn_type": "postgres"}')
    connect(password=KEY, extra={"modell": "x"})
    context = airflow_bridge.job_context(is_scoring=True)
    assert "modell" in str(context.llm_error)
    assert (context.has_llm, context.settings.has_llm) == (True, False)
    assert KEY not in repr(context)
    connect(password=KEY)
    assert airflow_bridge.job_context(is_scoring=True).llm_error is None


def test_the_variable_limits_the_day(read, monkeypatch, connect):
    connect(password=KEY)
    assert read(llm_budget_usd_per_day=3).llm_budget_usd_per_day == 3
    monkeypatch.setenv("AIRFLOW_VAR_LLM_BUDGET_USD_PER_DAY", "0.2")
    assert read(llm_budget_usd_per_day=3).llm_budget_usd_per_day == 0.2
    for wrong in ("-1", "two", ""):
        monkeypatch.setenv("AIRFLOW_VAR_LLM_BUDGET_USD_PER_DAY", wrong)
        with pytest.raises(BadInput, match=r"llm_budget_usd_per_day.*budget_usd_per_day: "):
            read()


@pytest.mark.parametrize("name", ["FILMPULSE_LLM_API_KEY", "FILMPULSE_LLM_BASE_URL"])
def test_setup_makes_what_is_read_back(read, monkeypatch, connect, name):
    given = {
        name: "http://127.0.0.1:9/v1" if name.endswith("URL") else KEY,
        "FILMPULSE_LLM_MODEL": "gpt-5.4-mini",
        "FILMPULSE_LLM_TEMPERATURE": "0",
        "FILMPULSE_LLM_ANSWER_FORMAT": "json_object",
        "FILMPULSE_LLM_TOKENS_PER_MINUTE": "50000",
        "FILMPULSE_LLM_BUDGET_USD_PER_DAY": "7",
    }
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    made = objects._connections()[connections.LLM]
    connect(json.dumps(made))
    assert read() == Settings.from_env(given).model_copy(update={"llm_budget_usd_per_day": 1.0})


def test_setup_makes_none_without_a_model():
    assert connections.LLM not in objects._connections()


def test_the_command_line_takes_connection_and_budget_where_airflow_is(connect, monkeypatch):
    theirs = Settings(llm_api_key="sk-of-the-environment")
    connect(password=KEY)
    monkeypatch.setenv("AIRFLOW_VAR_LLM_BUDGET_USD_PER_DAY", "0.02")
    for settings in (theirs, Settings()):
        found = cli.common.with_model(settings)
        assert found.llm_api_key.get_secret_value() == KEY
        assert found.llm_budget_usd_per_day == 0.02
    monkeypatch.delenv("AIRFLOW_HOME")
    assert cli.common.with_model(theirs) is theirs
    assert not cli.common.with_model(Settings()).has_llm


IN_A_SHELL = """
import logging
from filmpulse import cli
from filmpulse.config import Settings

logging.basicConfig(level=logging.WARNING, format="%(message)s")
print(cli.common.with_model(Settings()).has_llm)
logging.getLogger("filmpulse").warning("Still told.")
logging.getLogger("filmpulse").info("Still not told.")
"""


def test_without_airflows_database_the_command_line_goes_on_and_keeps_its_log(tmp_path):
    at_nothing = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/none/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    done = subprocess.run(
        [sys.executable, "-c", IN_A_SHELL],
        env=os.environ | at_nothing, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("False\n", "Still told.\n")
