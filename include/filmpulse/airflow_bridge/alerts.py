"""Alerts through Apprise, by the Connection `filmpulse_alerts`; off when there is none.

The Connection holds addresses of Apprise (https://appriseit.com/services/), such as `ntfys://topic`:
as its password, several with a space between, or as the field `config` of the type *Apprise*. They
hold tokens, so nothing that Apprise or its HTTP client logs while it sends is let through.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk.bases.notifier import BaseNotifier

from filmpulse.airflow_bridge.connections import ALERTS

if TYPE_CHECKING:
    from airflow.models import Variable
    from airflow.sdk import Connection
    from airflow.sdk.definitions.context import Context
    from apprise import Apprise

    from filmpulse.jobs.upkeep.alert import Told
    from filmpulse.jobs.upkeep.find_causes import Run
    from filmpulse.jobs.upkeep.word_alert import Message

log = logging.getLogger(__name__)

CARRIED = "filmpulse_alerts_carried"
"""The Variable that holds what was told while the warehouse did not answer; else there is none."""

SERVICE_SECONDS = 10
"""How long one service may take; Airflow's DAG processor gives a callback 50 s."""


class AlertNotifier(BaseNotifier):
    """Looks what is wrong when a run of a DAG has ended, and tells it once; raises nothing."""

    def __init__(self, *, succeeded: bool) -> None:
        """Keep whether the runs that it is called for succeeded."""
        super().__init__()
        self.succeeded = succeeded

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render nothing: there are no such fields, and the DAG of `dag.test()` cannot (3.3.2)."""

    def notify(self, context: Context) -> None:
        """Look and tell; without the Connection do nothing."""
        from filmpulse.errors import FilmpulseError

        try:
            services = _services(_in_task)
            if services is not None:
                _look(_run(context, succeeded=self.succeeded), services)
        except FilmpulseError as error:
            log.error("Nothing could be told: %s", error)
        except Exception as error:
            # Its text may quote an address of Apprise, and so a token.
            log.error("Nothing could be told: %s", type(error).__name__)


def send_test() -> list[tuple[str, bool]] | None:
    """Send a test message, outside a task (the command line).

    Returns:
        The name of each service, and whether it took the message; None without the Connection.

    Raises:
        BadInput: The Connection holds no address that Apprise knows.
    """
    from filmpulse.jobs.upkeep.word_alert import TEST

    services = _services(_outside_task)
    return None if services is None else _send(TEST, services)


def _look(run: Run, services: Apprise) -> None:
    from filmpulse import jobs
    from filmpulse.airflow_bridge.context import job_context
    from filmpulse.errors import FilmpulseError

    def send(message: Message) -> bool:
        return any(is_taken for _, is_taken in _send(message, services))

    carried = _carried()
    try:
        jobs.alert(run, job_context(is_scoring=True), send, carried)
    except Exception as error:
        why = str(error) if isinstance(error, FilmpulseError) else type(error).__name__
        log.warning("What is wrong could not be looked up: %s", why)
        told = jobs.alert_without_warehouse(run, carried, send)
    else:
        told = []
    if told != carried:
        _carry(told)


def _run(context: Context, *, succeeded: bool) -> Run:
    from airflow.configuration import conf

    from filmpulse.jobs.upkeep.find_causes import Run

    dag_id, run_id = context["dag"].dag_id, context["run_id"]
    base = conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")
    url = f"{base}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
    # A run without any task that ran comes with its id alone.
    started_at = getattr(context.get("dag_run"), "start_date", None)
    return Run(dag_id, run_id, url, succeeded, started_at)


def _in_task(name: str) -> Connection:
    from airflow.sdk.bases.hook import BaseHook

    return BaseHook.get_connection(name)


def _outside_task(name: str) -> Connection:
    from airflow.models import Connection

    return Connection.get_connection_from_secrets(name)


def _services(connection: Callable[[str], Connection]) -> Apprise | None:
    """Return the services that the Connection names; None if there is no Connection.

    Raises:
        BadInput: It holds no address that Apprise knows; the message quotes none.
    """
    from airflow.sdk.exceptions import AirflowNotFoundException

    from filmpulse.errors import BadInput

    try:
        found = connection(ALERTS)
    except AirflowNotFoundException:
        log.debug("There is no Connection %s: alerts are off.", ALERTS)
        return None
    with _silence():
        services, is_whole = _read(found)
    if not services:
        raise BadInput(
            f"The Connection {ALERTS} holds no address that Apprise knows. Its password must be "
            "one such as ntfys://topic or json://host/path; docs/runbooks/alerts.md has more."
        )
    if not is_whole:
        log.warning("The Connection %s also holds what Apprise cannot use as an address.", ALERTS)
    return services


def _read(connection: Connection) -> tuple[Apprise, bool]:
    """Return the services of a Connection, and whether all that it holds could be used."""
    from airflow.providers.apprise.hooks.apprise import AppriseHook
    from apprise import Apprise, AppriseAsset

    services = Apprise(asset=AppriseAsset(service_timeout=SERVICE_SECONDS, app_id="Filmpulse"))
    if "config" in connection.extra_dejson:
        try:
            AppriseHook().set_config_from_conn(connection, services)
        except (ValueError, KeyError, TypeError, AttributeError):  # its text may hold a token
            return services, False
        return services, True
    return services, services.add(connection.password or "")


def _send(message: Message, services: Apprise) -> list[tuple[str, bool]]:
    """Send a message to all services; return the name of each, and whether it took the message."""
    from apprise import NotifyFormat

    with _silence():
        result = services.notify(
            body=message.body,
            title=message.title,
            notify_type=message.level,
            body_format=NotifyFormat.TEXT,
        )
    took = [(one.name, bool(one)) for one in result.results]
    for name, is_taken in took:
        if not is_taken:
            log.warning("%s did not take the message %r.", name, message.title)
    return took


@contextmanager
def _silence() -> Iterator[None]:
    """Let nothing through that Apprise and its HTTP client log: addresses hold tokens."""
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3", "requests_oauthlib")]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)


def _carried() -> list[Told]:
    try:
        with _variables() as variables:
            told: list[Told] = json.loads(variables.get(CARRIED, default_var="[]"))
    except Exception:  # better told twice than not at all
        log.warning("The Variable %s cannot be read.", CARRIED)
        return []
    return told


def _carry(told: list[Told]) -> None:
    with _variables() as variables:
        if told:
            said = "What was told while the warehouse did not answer"
            variables.set(CARRIED, json.dumps(told), description=said)
        else:
            variables.delete(CARRIED)


@contextmanager
def _variables() -> Iterator[type[Variable]]:
    """Give Variables that can be written in a callback of `dag.test()` too.

    It has no supervisor, which the SDK's Variables need; where there is one, the model asks it.
    """
    from airflow.models import Variable

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield Variable
