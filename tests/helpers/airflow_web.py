"""Airflow's whole web server with the plugin, in this process, and people who use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait
from sqlalchemy import select

from filmpulse.sources.browser import BROWSER_PATHS, DRIVER_PATHS
from filmpulse.web import waits

ROOT = Path(__file__).resolve().parents[2]
DAG, RUN, TASK = "analyse_backlog", "manual__1", "score"
PASSWORDS = {name: f"right-of-{name}" for name in ("admin", "viewer", "user", "op")}


@contextmanager
def airflow_web(folder: Path, **more: str) -> Iterator[Any]:
    """Give Airflow's web server, as Airflow makes it; 10 s. `more` goes into its environment.

    The fixture `airflow_database` comes before it.
    """
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps(PASSWORDS))
    given = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{name}:{name}" for name in PASSWORDS
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__API__ENABLE_SWAGGER_UI": "False",
        "AIRFLOW__API__SECRET_KEY": "k" * 32,
        **more,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        from airflow.api_fastapi.app import create_app, purge_cached_app
        from airflow.utils.session import create_session

        with create_session() as session:
            waits.create(session)
        purge_cached_app()
        yield create_app()
        purge_cached_app()


def parse_dags(*names: str) -> Any:
    """Have Airflow know some DAGs; return them as they were read."""
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    with create_session() as session:
        if session.get(DagBundleModel, "checkout") is None:
            session.add(DagBundleModel(name="checkout"))
            session.flush()
        read = {}
        for name in names:
            bag = DagBag(dag_folder=str(ROOT / "dags" / f"{name}.py"), bundle_path=ROOT / "dags")
            sync_bag_to_db(bag, "checkout", None, session=session)
            read |= bag.dags
    return read


def add_a_run_that_asks() -> None:
    """Have Airflow know a DAG, and a run of it in which a task waits for a person's answer."""
    from airflow.models import TaskInstance
    from airflow.models.hitl import HITLDetail
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    dag = parse_dags(DAG)[DAG]
    now = datetime.now(UTC)
    with create_session() as session:
        DagSerialization.from_dict(DagSerialization.to_dict(dag)).create_dagrun(
            run_id=RUN, logical_date=now, data_interval=(now, now), run_after=now,
            run_type=DagRunType.MANUAL, triggered_by=DagRunTriggeredByType.TEST,
            state="running", session=session,
        )  # fmt: skip
        session.flush()
        task = session.scalars(select(TaskInstance).where(TaskInstance.task_id == TASK)).one()
        task.state, task.start_date = "deferred", now
        question = {"options": ["Approve", "Reject"], "subject": "Pay?", "body": "1.20 USD"}
        session.add(HITLDetail(ti_id=task.id, params={}, assignees=[], **question))


def stranger(app: Any, address: str) -> Any:
    """A client at an address."""
    from starlette.testclient import TestClient

    return TestClient(
        app,
        base_url="http://127.0.0.1",
        client=(address, 50_000),
        raise_server_exceptions=False,
        follow_redirects=False,
    )


# --- in a browser --------------------------------------------------------------------------------

_WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation', e => {
  violations.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile}`);
});
window.asking = 0; window.asked = 0;
const fetched = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (...args) {
  window.asking += 1; window.asked += 1;
  this.addEventListener('loadend', () => { window.asking -= 1; });
  return fetched.apply(this, args);
};
"""


@contextmanager
def logged_in(address: str, user: str, password: str, *flags: str) -> Iterator[webdriver.Chrome]:
    """Give a real browser, logged in by Airflow's own page, that notes what the policy forbade.

    `flags` are more words for the browser's command line.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = next(path for path in BROWSER_PATHS if Path(path).exists())
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", *flags):
        options.add_argument(word)
    options.add_argument("--window-size=1500,1200")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = next(path for path in DRIVER_PATHS if Path(path).exists())
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        watch = {"source": _WATCH}
        chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", watch)
        chrome.get(f"{address}/auth/login")
        wait(chrome, "return document.querySelectorAll('input').length == 2")
        name, typed = chrome.find_elements("css selector", "input")
        name.send_keys(user)
        typed.send_keys(password + "\n")
        wait(chrome, "return !location.pathname.includes('/auth/')")
        yield chrome
    finally:
        chrome.quit()


def wait(chrome: webdriver.Chrome, condition: str, seconds: float = 120) -> None:
    """Wait until a script in the page returns true."""
    WebDriverWait(chrome, seconds, 0.2).until(lambda it: it.execute_script(condition))
